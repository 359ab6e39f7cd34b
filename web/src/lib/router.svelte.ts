// Which page is open, from the address; the browser's back and forward work by themselves.

import { parseRoute, type Route } from './route';

class Router {
  route = $state.raw<Route>(parseRoute(window.location.hash));

  /** Listens until the returned function is called. */
  open(): () => void {
    const hear = (): void => {
      this.route = parseRoute(window.location.hash);
    };
    window.addEventListener('hashchange', hear);
    return () => window.removeEventListener('hashchange', hear);
  }
}

export const router = new Router();
