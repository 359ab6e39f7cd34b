// A part that opens over the page closes when somebody clicks beside it or presses Escape, as a menu does.

/** For `<details {@attach closesOutside}>`; Escape gives the focus back to what opened it. */
export function closesOutside(details: HTMLDetailsElement): () => void {
  const outside = (event: MouseEvent): void => {
    if (details.open && event.target instanceof Node && !details.contains(event.target)) details.open = false;
  };
  const escape = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !details.open) return;
    details.open = false;
    details.querySelector('summary')?.focus();
  };
  window.addEventListener('click', outside);
  window.addEventListener('keydown', escape);
  return () => {
    window.removeEventListener('click', outside);
    window.removeEventListener('keydown', escape);
  };
}
