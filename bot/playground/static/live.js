// Keeps the live socket open: reconnects with growing pauses and asks for what was missed by sequence number.
// Knows neither chats nor the page; whoever starts it gets events and the state of the line.

const FIRST_PAUSE = 400; // ms; a restarted server is back within a second
const LONGEST_PAUSE = 8_000; // ms; a reader should not wait longer once the server is back

export class Live extends EventTarget {
  #socket = null;
  #pause = FIRST_PAUSE;
  #timer = 0;
  #opened = 0;

  /**
   * @param {() => string} key The session key, asked anew at every connect.
   * @param {() => number} sequence The number of the last event seen.
   * @param {() => Promise<void>} renew Loads the session and state again; called before every reconnect.
   */
  constructor(key, sequence, renew) {
    super();
    this.key = key;
    this.sequence = sequence;
    this.renew = renew;
    // A laptop that wakes up or a network that returns should not sit out the rest of a pause.
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.hurry());
  }

  /** Opens the socket. Fires `event` (detail: the server's object) and `line` (detail: true or false). */
  open() {
    const address = new URL("/sim/live", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("key", this.key());
    address.searchParams.set("since", String(this.sequence()));
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#onOpen());
    socket.addEventListener("message", ({ data }) => this.#onData(data));
    socket.addEventListener("close", () => socket === this.#socket && this.#later());
  }

  /** Tries again at once if it was waiting. */
  hurry() {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#again();
  }

  #onOpen() {
    this.#pause = FIRST_PAUSE;
    this.#opened += 1;
    this.dispatchEvent(new CustomEvent("line", { detail: { online: true, again: this.#opened > 1 } }));
  }

  #onData(data) {
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return; // a frame that is not ours to read
    }
    this.dispatchEvent(new CustomEvent("event", { detail: event }));
  }

  #later() {
    this.dispatchEvent(new CustomEvent("line", { detail: { online: false, again: false } }));
    // Half of the pause is random, so that several open tabs do not knock in step.
    this.#timer = setTimeout(() => this.#again(), this.#pause * (0.5 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 1.7, LONGEST_PAUSE);
  }

  async #again() {
    this.#timer = 0;
    try {
      await this.renew(); // the key is new if the server was restarted
    } catch {
      this.#later();
      return;
    }
    this.open();
  }
}
