// The text of a server-sent event stream, cut into events. Fetch is used rather than EventSource,
// because the page must see a 503 and its Retry-After, and must send Last-Event-ID itself.

export interface StreamEvent {
  id: string; // the last id seen, as Last-Event-ID wants it
  event: string;
  data: string;
}

export const EVENT_CHARS_MAX = 4 * 1024 * 1024;

export class SseParser {
  private rest = '';
  private id = '';
  private event = '';
  private data: string[] = [];
  private chars = 0;

  // Takes any cut of the stream; gives the events it completes. Throws where one event grows past
  // the limit: the caller drops the connection.
  feed(chunk: string): StreamEvent[] {
    const out: StreamEvent[] = [];
    let text = this.rest + chunk;
    // A lone \r at the end may be half of \r\n.
    const held = text.endsWith('\r') ? '\r' : '';
    if (held) text = text.slice(0, -1);
    const lines = text.split(/\r\n|\n|\r/);
    this.rest = (lines.pop() ?? '') + held;
    if (this.rest.length + this.chars > EVENT_CHARS_MAX) throw new Error('event too long');
    for (const line of lines) {
      const done = this.line(line);
      if (done) out.push(done);
    }
    return out;
  }

  private line(line: string): StreamEvent | undefined {
    if (line === '') return this.dispatch();
    if (line.startsWith(':')) return undefined;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'event') this.event = value;
    else if (field === 'data') {
      this.data.push(value);
      this.chars += value.length;
    } else if (field === 'id' && !value.includes('\0')) this.id = value;
    return undefined;
  }

  private dispatch(): StreamEvent | undefined {
    const event = this.event;
    const data = this.data.join('\n');
    const empty = this.data.length === 0;
    this.event = '';
    this.data = [];
    this.chars = 0;
    // A beat may come without data; the standard would drop it.
    if (empty && event === '') return undefined;
    return { id: this.id, event: event || 'message', data };
  }
}
