// Tells when an element that shows an alarm was really painted and can be seen: it is in the window, the page is visible,
// and two frames have gone by since. Each version is told once more.

import type { Action } from 'svelte/action';
import type { Alarm } from '../protocol';
import type { Pager } from '../pager.svelte';

export interface Painting { pager: Pager; alarm: Alarm }

export const painted: Action<HTMLElement, Painting> = (element, first) => {
  let { pager, alarm } = first;
  let seen = false;

  function tell(): void {
    const { id, version } = alarm;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (seen && !document.hidden && alarm.id === id && alarm.version === version) pager.painted({ alarm: id, version });
    }));
  }
  const observer = new IntersectionObserver(([entry]) => {
    seen = entry?.isIntersecting ?? false;
    if (seen) tell();
    else pager.unpainted(alarm.id);
  });
  observer.observe(element);
  const again = () => { if (seen) tell(); };
  document.addEventListener('visibilitychange', again);

  return {
    update(next: Painting) {
      const changed = next.alarm.id !== alarm.id || next.alarm.version !== alarm.version;
      if (next.alarm.id !== alarm.id) pager.unpainted(alarm.id);
      ({ pager, alarm } = next);
      if (changed && seen) tell();
    },
    destroy() {
      observer.disconnect();
      document.removeEventListener('visibilitychange', again);
      pager.unpainted(alarm.id);
    },
  };
};
