import { NoAnswer, read, Refusal } from './api.js';
import { find, localText, say } from './text.js';

/** How the daemon is, and what is wrong, in one line. */
export class Health {
  #pill = find('health', HTMLElement);
  #trouble = find('trouble', HTMLElement);
  #reconnect;
  /** Since when nobody answers, ISO 8601. @type {string | undefined} */
  #goneSince;

  /** @param {() => void} reconnect called when what is shown may not be true any more */
  constructor(reconnect) {
    this.#reconnect = reconnect;
  }

  get isGone() {
    return this.#goneSince !== undefined;
  }

  /** Asks the daemon whether it takes work. */
  async read() {
    try {
      await read('/readyz');
      if (this.isGone) return;
      this.#show('healthy', 'good', 'The daemon takes work.');
      this.#trouble.hidden = true;
    } catch (error) {
      if (!(error instanceof Refusal)) return this.fault(error);
      this.#show('not ready', 'bad', error.message);
      this.tell(error.message);
    }
  }

  /** Takes note of what went wrong. @param {unknown} error */
  fault(error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined;
    if (error instanceof Refusal && error.status === 401) return this.#reconnect();
    if (error instanceof Refusal) return this.tell(error.message);
    if (!(error instanceof NoAnswer)) return reportError(error);
    this.#goneSince ??= new Date().toISOString();
    this.tell(`no answer since ${localText(this.#goneSince)}, trying again`);
    this.#show('no answer', 'bad', '');
    document.body.classList.add('stale');
    // The stream is taken up anew, and by that all else.
    return this.#reconnect();
  }

  /** The stream is there, again. */
  answered() {
    this.#forget();
    void this.read();
  }

  /** A token is needed. */
  locked() {
    this.#forget();
    this.#show('locked', 'warn', '');
  }

  /** @param {string} text one line */
  tell(text) {
    say(this.#trouble, text);
    this.#trouble.hidden = false;
  }

  #forget() {
    this.#goneSince = undefined;
    this.#trouble.hidden = true;
    document.body.classList.remove('stale');
  }

  /** @param {string} word @param {string} tone @param {string} title */
  #show(word, tone, title) {
    say(this.#pill, word);
    this.#pill.dataset['tone'] = tone;
    this.#pill.title = title;
  }
}
