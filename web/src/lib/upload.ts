// Sending a file to the box and saying how far it is: the one request that `fetch` cannot tell the progress of.

import { answered, headersOf, noAnswer, RequestError } from './request';

export interface Sending<T> { done: Promise<T>; stop: () => void }

/** Sends `file` as it is; `onSent` hears how many bytes are out. No time limit: a package is large and a network may be slow. */
export function sendFile<T>(path: string, file: Blob, content_type: string, onSent: (bytes: number) => void): Sending<T> {
  const asked = new XMLHttpRequest();
  const done = new Promise<T>((resolve, reject) => {
    asked.upload.onprogress = ({ loaded }) => onSent(loaded);
    asked.upload.onload = () => onSent(file.size);
    asked.onload = () => {
      try {
        resolve(answered<T>(asked.status, asked.responseText, asked.getResponseHeader('retry-after')));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    asked.onerror = () => reject(noAnswer());
    asked.onabort = () => reject(new RequestError(0, 'stopped', 'It was stopped before the box had all of it.'));
  });
  asked.open('POST', path);
  for (const [name, value] of Object.entries(headersOf('POST', content_type))) asked.setRequestHeader(name, value);
  asked.send(file);
  return { done, stop: () => asked.abort() };
}
