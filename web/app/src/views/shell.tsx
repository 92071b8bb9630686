/** The screen of somebody who is signed in: conversations on the left, one thing on the right; on a phone one of both. */
import type { JSX } from "preact";
import { route } from "../page/route.js";
import { t } from "../texts.js";
import { Banner } from "./banner.js";
import { ChatScreen } from "./chat.js";
import { lazy } from "./lazy.js";
import { Icon } from "./parts.js";
import { Sidebar } from "./sidebar.js";

const others = () => import("./others.js");
const DevicesScreen = lazy(() => others().then((screens) => screens.DevicesScreen));
const PersonScreen = lazy(() => others().then((screens) => screens.PersonScreen));
const SecurityScreen = lazy(() => others().then((screens) => screens.SecurityScreen));
const SettingsScreen = lazy(() => others().then((screens) => screens.SettingsScreen));

export function Shell(): JSX.Element {
  const { at } = route.value;
  return (
    <div class={`shell ${at === "home" ? "at-list" : "at-detail"}`}>
      <Banner />
      <Sidebar />
      <main class="detail">
        <Detail />
      </main>
    </div>
  );
}

function Detail(): JSX.Element {
  const to = route.value;
  switch (to.at) {
    case "home":
      return <Home />;
    case "chat":
      return <ChatScreen key={to.name} name={to.name} />;
    case "person":
      return <PersonScreen key={to.name} name={to.name} />;
    case "settings":
      return <SettingsScreen />;
    case "devices":
      return <DevicesScreen />;
    case "security":
      return <SecurityScreen />;
  }
}

function Home(): JSX.Element {
  return (
    <div class="empty">
      <span class="sign">
        <Icon name="chat" />
      </span>
      <h2>{t.home.title}</h2>
      <p>{t.home.text}</p>
      <p class="faint">
        <Icon name="lock" />
        {t.home.keys}
      </p>
    </div>
  );
}
