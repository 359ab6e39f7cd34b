// Installing the page: Chromium asks when it is told to, others leave it to a menu.

interface InstallPrompt extends globalThis.Event { prompt(): Promise<unknown> }

class Install {
  state = $state<'installed' | 'possible' | 'by_menu'>(window.matchMedia('(display-mode: standalone)').matches ? 'installed' : 'by_menu');
  #prompt: InstallPrompt | null = null;

  constructor() {
    window.addEventListener('beforeinstallprompt', (event) => {
      event.preventDefault();
      this.#prompt = event as InstallPrompt;
      if (this.state !== 'installed') this.state = 'possible';
    });
    window.addEventListener('appinstalled', () => (this.state = 'installed'));
  }

  async ask(): Promise<void> {
    await this.#prompt?.prompt();
    this.#prompt = null;
    if (this.state === 'possible') this.state = 'by_menu';
  }
}

export const install = new Install();
