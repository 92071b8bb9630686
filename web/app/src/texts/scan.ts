/** The words about reading a code with the camera. */
export const words = {
  title: (name: string) => `Scan the code of ${name}`,
  how: (name: string) =>
    `On the screen of ${name}, open this page about you. Hold the code there in front of this camera.`,
  camera: "What the camera sees",
  looking: "Looking for a code …",
  other: "This code is no safety number. Looking for another one …",
  differs: (name: string) =>
    `The safety numbers differ. Either this is not the code that ${name} has for you, or somebody has put another key between you.`,
  differsAct: (name: string) => `Until you know which, write nothing to ${name} that others must not read.`,
  again: "Scan again",
  refused: "The camera may not be used here. Allow it in the settings of the browser, then try again.",
  missing: "No camera was found that can be used.",
};
