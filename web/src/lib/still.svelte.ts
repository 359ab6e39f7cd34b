// A picture that the box keeps, as a reactive value. Its address stays the same when it becomes another one, and a
// browser would go on showing the one it has: so it is asked for by hand.

export class StillPicture {
  url = $state.raw<string | null>(null);
  /** The box has none, or did not give it. */
  missing = $state(false);

  /** Asks for a picture and keeps it until the returned function is called; null: there is none to ask for. */
  open(address: string | null): () => void {
    const ended = new AbortController();
    this.missing = address === null;
    if (address !== null) void this.#ask(address, ended.signal);
    return () => {
      ended.abort();
      if (this.url) URL.revokeObjectURL(this.url);
      this.url = null;
    };
  }

  async #ask(address: string, ended: AbortSignal): Promise<void> {
    try {
      const answer = await fetch(address, { cache: 'no-store', credentials: 'same-origin', signal: ended });
      const picture = answer.ok ? await answer.blob() : null;
      if (ended.aborted) return;
      if (picture) this.url = URL.createObjectURL(picture);
      else this.missing = true;
    } catch {
      if (!ended.aborted) this.missing = true;
    }
  }
}
