/** Everything that the widget says, in one language. Words in braces are replaced. */
export interface Strings {
  title: string;
  /** Names for assistive technology. */
  conversation: string;
  message: string;
  table: string;
  you: string;
  answer: string;
  openChat: string;
  closeChat: string;
  newChat: string;
  send: string;
  stop: string;
  copy: string;
  copied: string;
  placeholder: string;
  note: string;
  /** Before the model is here. */
  private: string;
  size: string;
  sizeUnknown: string;
  sizeHidden: string;
  stored: string;
  partly: string;
  lookUp: string;
  download: string;
  downloadSize: string;
  goOn: string;
  start: string;
  cancel: string;
  /** While it comes. */
  downloading: string;
  checking: string;
  preparing: string;
  amount: string;
  rate: string;
  left: string;
  /** While it answers. */
  ready: string;
  waiting: string;
  reading: string;
  writing: string;
  stopped: string;
  /** When something fails; the details follow in English. */
  failed: string;
  retry: string;
  offline: string;
  unreachable: string;
  noRoom: string;
  noMemory: string;
  blocked: string;
  lost: string;
}

export type StringName = keyof Strings;
