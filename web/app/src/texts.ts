/** The words of the program, but those of texts/, which are loaded later: so that it can be translated. */

const locale = navigator.language.startsWith("en") ? navigator.language : "en-GB";

export const t = {
  name: "Fluent",
  days: { locale, today: "Today", yesterday: "Yesterday" },
  close: "Close",
  cancel: "Cancel",
  back: "Back",
  more: "More",
  copied: "Copied",

  failures: {
    unreachable: "The server cannot be reached. Look at your connection and try again.",
    unavailable: "The server is busy. Try again in a moment.",
    unauthorized: "The name or the password is wrong.",
    banned: "The server refuses this account.",
    name_taken: "This name or address is taken.",
    invalid_name: "This name cannot be used.",
    invalid_email: "This is not an e-mail address.",
    weak_password: "This password is too easy to guess. Take a longer or less common one.",
    invalid_key: "The server does not take this key.",
    registration_closed: "This server takes no new accounts.",
    invite_required: "This server takes new accounts by invitation only. The code is missing or has been used.",
    second_factor_required: "A code of your authenticator is needed.",
    rate_limited: "Too many attempts. Wait a little and try again.",
    too_large: "This is too large for the server.",
    quota: "The limit of your account is reached. Delete messages with files to make room.",
    blocked: "One of you has blocked the other.",
    unknown_user: "This person is not here any more.",
    stale_key: "This person has a new key.",
    key_not_trusted: "This person has another key than the one you verified.",
    key_missing: "Your key is not in this browser.",
    not_a_key: "This is not a key file.",
    other_key: "This file holds another key than that of your account.",
    wrong_passphrase: "The passphrase is wrong.",
    locked: "What is kept here is locked. Unlock it first.",
    known_here: "There is data of this name in this browser already. Sign in, or remove that first.",
    forbidden: "This is not allowed. If you gave a password, look whether it is right.",
    not_found: "This is not here any more.",
    storage_full: "The disk is full: nothing more can be kept in this browser.",
    no_files: "This server takes no files.",
    file_gone: "The file is gone: the message was deleted, or the server has lost it.",
    file_damaged: "The file is not the one that was sent. It may have been changed on the way.",
    file_too_large: "The file is larger than this server takes.",
    file_changed: "The file has changed or cannot be read. Choose it again.",
    file_lost: "The file was closed before all of it was read. Choose it again.",
    interrupted: "Another tab has taken over. Try again.",
    unknown: "That did not work. Try again.",
  } as Record<string, string>,

  insecure: {
    title: "This address is not secure",
    why:
      "Browsers hand out the tools for encryption only to pages that nobody on the way can change: pages behind https, " +
      "or on this computer itself.",
    how: "What helps:",
    steps: [
      "Open the address with https:// if the server has a certificate.",
      "On the computer that runs the server, open it by http://localhost and its port.",
      "If you run the server: switch on TLS, or put a proxy before it that does. The documentation says how.",
    ],
    old: "If the address begins with https already, this browser is too old.",
  },

  enter: {
    title: "Private messages, on a server of your own",
    signIn: "Sign in",
    register: "Create account",
    username: "Name",
    email: "E-mail",
    emailHint: "Shown to nobody else.",
    password: "Password",
    passwordHint: "8 characters or more.",
    showPassword: "Show",
    hidePassword: "Hide",
    invite: "Invitation code",
    keysRegister:
      "Your key is made in this browser and never leaves it unless you save it. Who loses it loses all messages: the " +
      "server has no copy.",
    keysSignIn:
      "Messages are read with your key. If it is not in this browser yet, you will be asked for your key file.",
    code: "Code",
    codeHint: "The six digits that your authenticator shows, or a recovery code.",
    codeTitle: "One more step",
    confirm: "Confirm",
    ended: "You were signed out. Sign in to go on; your messages are still here.",
    remove: (name: string) => `Remove the data of ${name} from this browser`,
    removeTitle: "Remove everything?",
    removeText: (name: string) =>
      `The key and the messages of ${name} are removed from this browser. Without a key file they cannot be read again.`,
    removeYes: "Remove",
    demoUsed: "This link has been used. Start the demonstration again, or sign in.",
    demoWait: "Signing in to the demonstration …",
    about: "How safe is this?",
    working: "One moment …",
  },

  saveKey: {
    title: "Keep your key",
    text:
      "A key was made for you. Messages to you can be read with it and with nothing else. The server has no copy, and " +
      "browsers sometimes clear what they keep.",
    file: "Save a key file",
    fileText: "Put it where you keep passwords. Who has it can read your messages.",
    fileButton: "Save key file",
    fileSaved: "Saved. I have it in a safe place",
    passphrase: "Lock with a passphrase",
    passphraseText:
      "Your messages in this browser open only with the passphrase. It does not help when the browser loses them.",
    passphraseButton: "Set a passphrase",
    then: "Then you can write.",
  },

  noKey: {
    title: "Your key is not in this browser",
    text: "Your account has a key, but this browser does not have it. Without it nothing here can be read or sent.",
    import: "I have a key file",
    importText: "From this program, the terminal client, or another browser (Settings, Key).",
    importButton: "Choose key file",
    passphrase: "Passphrase of the file",
    open: "Open file",
    fresh: "Start with a new key",
    freshText: "For when the old key is lost.",
    freshButton: "Make a new key …",
    freshTitle: "Make a new key?",
    freshLoses: [
      "Messages that you have received so far cannot be read here any more, and nowhere without the old key.",
      "Other devices of yours, the Android app too, read nothing that comes from now on.",
      "The people you talk to are told that your key has changed.",
    ],
    freshType: (name: string) => `Type your name, ${name}, to go on`,
    freshPassword: "Your password",
    freshYes: "Make a new key",
  },

  locked: {
    title: "Locked",
    text: "What is kept in this browser is under a passphrase.",
    passphrase: "Passphrase",
    unlock: "Unlock",
    working: "Unlocking …",
    forgot: "I have forgotten it",
  },

  passphrase: {
    title: "Set a passphrase",
    text: "It is asked for each time this browser opens your messages. Nobody can reset it.",
    first: "Passphrase",
    hint: "12 characters or more; several words are good.",
    second: "Once more",
    short: "Take at least 12 characters.",
    different: "The two are not the same.",
    set: "Lock",
    working: "Locking takes a second or two …",
    removeTitle: "Remove the passphrase",
    removeText: "Then everybody who uses this browser can read your messages.",
    remove: "Remove",
  },

  list: {
    title: "Conversations",
    search: "Search people and messages",
    clear: "Clear search",
    people: "People",
    messages: "Messages",
    none: "Nothing found",
    noneText: "Search finds people by name, and messages that are in this browser.",
    empty: "No conversations yet",
    emptyText: "Search for somebody by name to begin.",
    you: "You",
    yourself: "Notes to yourself",
    draft: "Draft",
    unread: (count: number) => (count === 1 ? "1 unread message" : `${count} unread messages`),
    settings: "Settings",
    many: "99+",
    blocked: "Blocked",
  },

  home: {
    title: "Choose a conversation",
    text: "Or search for somebody to begin a new one.",
    keys: "Messages are encrypted on this device.",
  },

  chat: {
    log: (name: string) => `Messages with ${name}`,
    online: "online",
    lastSeen: (when: string) => `last seen ${when}`,
    typing: "is writing …",
    self: "Only you see these.",
    person: "Person and safety number",
    expiry: "Disappearing messages",
    expires: (what: string) => `Messages disappear after ${what}`,
    start: (name: string) => `This is the beginning of your conversation with ${name}`,
    startText: "What you write here is encrypted on this device. Compare safety numbers to be sure of the key.",
    startSelf: "Write down what you want to have on all your devices.",
    loadOlder: "Earlier messages",
    newest: "To the newest message",
    unread: "New",
    keyChanged: (name: string) => `The key of ${name} has changed`,
    keyChangedWhy: "A new device, or somebody in between. Compare the safety number to know.",
    unreadable: "This message cannot be read with the key in this browser",
    otherKind: "A message that this program cannot show. A newer version may.",
    yourMessage: "You",
    gone: "This person’s account was deleted.",
    blockedByYou: "You have blocked this person.",
    unblock: "Unblock",
    mustConfirm: (name: string) => `You verified another key of ${name}. Nothing is sent until you decide.`,
    compare: "Compare",
    accept: "Send anyway",
    notFound: (name: string) => `There is nobody called ${name} here`,
    replyGone: "A message that is gone",
    replyTo: (name: string) => `Reply to ${name}`,
    expiresAt: (when: string) => `Disappears ${when}`,
  },

  ticks: {
    waiting: "Waiting to be sent",
    sent: "Sent",
    delivered: "Delivered",
    read: "Read",
    failed: "Not sent",
  },

  message: {
    actions: "Actions for this message",
    reply: "Reply",
    copy: "Copy text",
    deleteMe: "Delete for me",
    deleteAll: "Delete for everyone",
    deleteMeTitle: "Delete for you?",
    deleteMeText: "The message disappears from all your devices. The other side keeps it.",
    deleteAllTitle: "Delete for everyone?",
    deleteAllText: "The message disappears from your devices and theirs. It may have been read already.",
    delete: "Delete",
    retry: "Try again",
    discard: "Discard",
    failed: (why: string) => `Not sent. ${why}`,
  },

  composer: {
    label: "Message",
    placeholder: "Write a message",
    send: "Send",
    parts: (count: number) => `Will be sent as ${count} messages`,
    cancelReply: "Cancel reply",
  },

  photo: "Photo",

  timers: [
    { seconds: null, label: "Off" },
    { seconds: 300, label: "5 minutes" },
    { seconds: 3_600, label: "1 hour" },
    { seconds: 86_400, label: "1 day" },
    { seconds: 604_800, label: "1 week" },
  ] as readonly { seconds: number | null; label: string }[],

  person: {
    verified: "Verified",
  },

  devices: {
    title: "Devices and logins",
    text: "Each is a login with your password. End those that you do not know, and change the password then.",
    current: "This browser",
    other: "A login",
    began: (when: string) => `Signed in: ${when}`,
    used: (when: string) => `Last used: ${when}`,
    network: (network: string) => `From ${network}`,
    factor: "With a second factor",
    end: "End",
    endAll: "End all logins",
    endAllTitle: "End all logins?",
    endAllText: "You are signed out everywhere, here too. Your messages stay on your devices.",
    none: "There are no other logins.",
  },

  banner: {
    connecting: "Connecting …",
    catchingUp: "Getting what you missed …",
    waiting: (seconds: number) => `No connection. Next attempt in ${seconds} s.`,
    now: "Try now",
    asleep: "Paused while nobody looked.",
    replaced: "This browser was replaced by another connection of the same device.",
    tooMany: "Too many devices are connected.",
    forbidden: "The server refuses the connection.",
    broken: "This browser cannot keep anything now, so nothing is received. Is the disk full?",
    update: (version: string) => `There is a new version, ${version}.`,
    updateNow: "Use it",
    other: "The connection has ended.",
  },
};

/** Returns what to show of a message without a text. */
export function unreadableText({ isOtherKind }: { isOtherKind: boolean }): string {
  return isOtherKind ? t.chat.otherKind : t.chat.unreadable;
}

/** Returns what a message says, in one line: of files their names. */
export function said(message: {
  text: string | null;
  files: readonly { name: string; thumbnail: string | null }[];
  isOtherKind?: boolean;
}): string {
  const { text, files, isOtherKind = false } = message;
  if (text === null) return unreadableText({ isOtherKind });
  if (files.length === 0) return text;
  const names = files.map(({ name, thumbnail }) => (thumbnail === null ? name : t.photo));
  return text === "" ? names.join(", ") : `${names.join(", ")}: ${text}`;
}

/** Returns what to say about a failure. */
export function failureText(code: string): string {
  return t.failures[code] ?? t.failures["unknown"] ?? code;
}
