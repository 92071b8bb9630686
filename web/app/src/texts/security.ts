/** The words about what the program can do for safety. */
export const words = {
  title: "How safe is this?",
  intro: "What this program does, and what it cannot do.",
  points: [
    {
      title: "The server delivers this program",
      text:
        "The server that stores your messages also serves this program, at every visit. Who controls it can serve " +
        "another one, to you alone. No header prevents that, and no service worker: the browser replaces it.",
    },
    {
      title: "What is done about it",
      text:
        "No script from elsewhere, no inline script, no way to put text into the page as markup; a handful of pinned " +
        "packages; files that anybody can build again, byte for byte. The server’s program prints their hashes, and " +
        "anybody can check from outside which files a server serves.",
    },
    {
      title: "If you need more",
      text:
        "Use the terminal client or an app, or serve the same files from your own computer: “fluent-backend app " +
        "--server” and the address. Then the server cannot change the program.",
    },
    {
      title: "What remains",
      text:
        "A hole in this program would let others read what this tab reads. A stolen computer without a passphrase reads " +
        "everything. The server knows who writes to whom, and when.",
    },
    {
      title: "About the encryption",
      text:
        "It is that of the Android app, for compatibility: RSA-2048, one key for each account. It hides your words from " +
        "the server. It does not prove who wrote them, and a stolen key opens old messages too.",
    },
  ],
  more: "The whole story in the documentation",
};
