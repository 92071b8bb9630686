/** The words about a person, which are loaded with the screen that shows them. */
export const words = {
  title: "Person",
  number: "Safety number",
  numberText: (name: string) =>
    `Compare these numbers with ${name}, in person or by a call. If they are the same, nobody has put another key between you.`,
  numberLimit:
    "It shows swapped keys. It does not show forged messages: the encryption of the Android app cannot prove who wrote.",
  code: "The same number as a code",
  verify: "They are the same: mark as verified",
  unverify: "Remove the mark",
  scan: "Scan their code",
  block: "Block",
  unblock: "Unblock",
  blockTitle: (name: string) => `Block ${name}?`,
  blockText:
    "Neither of you can write to the other, and neither sees whether the other is online. What was written stays.",
  unavailable: "The safety number can be shown when the server is reached.",
};
