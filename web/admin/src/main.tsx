/** The page for operators. */
import { effect } from "@preact/signals";
import { render } from "preact";
import { identify } from "./data/identify.js";
import { signInBy, takeCode } from "./data/link.js";
import { follow, unfollow } from "./data/live.js";
import { view } from "./data/place.js";
import { operator, token } from "./data/session.js";
import { Page } from "./views/page.js";

effect(() => {
  const held = token.value;
  if (held === null) unfollow();
  else {
    follow();
    // After a reload the token is here, but not what it is good for.
    if (operator.peek() === null) void identify(held).then((who) => (operator.value = who), () => {});
  }
});
effect(() => {
  document.title = token.value === null || !view.value ? "Fluent: operators" : `${view.value.name} · Fluent`;
});
const code = takeCode();
if (code !== null) await signInBy(code);
render(<Page />, document.getElementById("page") as HTMLElement);
