/** All screens but conversations, in a file of their own: who is signed in sees them rarely. */
export { DevicesScreen } from "./devices.js";
export { Enter } from "./enter.js";
export { LockedScreen, NoKey, SaveKey } from "./keys.js";
export { PersonScreen } from "./person.js";
export { SecurityScreen } from "./security.js";
export { SettingsScreen } from "./settings.js";
