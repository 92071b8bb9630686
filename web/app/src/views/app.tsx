import type { JSX } from "preact";
import { route } from "../page/route.js";
import { app } from "../page/state.js";
import { t } from "../texts.js";
import { Card } from "./card.js";
import { lazy } from "./lazy.js";
import { Logo } from "./parts.js";
import { Shell } from "./shell.js";
import { demo } from "../page/demo.js";

const others = () => import("./others.js");
const LockedScreen = lazy(() => others().then((screens) => screens.LockedScreen));
const NoKey = lazy(() => others().then((screens) => screens.NoKey));
const SaveKey = lazy(() => others().then((screens) => screens.SaveKey));
const SecurityScreen = lazy(() => others().then((screens) => screens.SecurityScreen));
const Enter = lazy(() => others().then((screens) => screens.Enter));

export function App(): JSX.Element {
  if (demo.value === "waiting") {
    return (
      <Card title={t.name}>
        <p role="status">{t.enter.demoWait}</p>
      </Card>
    );
  }
  const { phase } = app.value;
  if (phase !== "in" && phase !== "starting" && route.value.at === "security") return <SecurityScreen />;
  switch (phase) {
    case "starting":
      return (
        <main class="starting" aria-label={t.name}>
          <Logo />
        </main>
      );
    case "signed_out":
      return <Enter notice={demo.value === "used" ? t.enter.demoUsed : null} />;
    case "locked":
      return <LockedScreen />;
    case "no_key":
      return <NoKey />;
    case "save_key":
      return <SaveKey />;
    case "in":
      return <Shell />;
  }
}
