/** The words about files, which are loaded with what shows them. */
export const words = {
  attach: "Attach files",
  drop: "Drop files to attach them",
  chosen: "Files to be sent",
  remove: (name: string) => `Remove ${name}`,
  photoOf: (name: string) => `Photo ${name}`,
  view: (name: string) => `View ${name}`,
  save: (name: string) => `Save ${name}`,
  saveShort: "Save",
  stop: (name: string) => `Stop ${name}`,
  encrypting: "Encrypting",
  sending: "Sending",
  fetching: "Fetching",
  waiting: "Waiting",
  progress: (what: string, name: string) => `${what} ${name}`,
  notShown: "This file is no picture that can be shown. It can be saved.",
};
