/** What the program does for safety, and what it cannot do. */
import type { JSX } from "preact";
import { app } from "../page/state.js";
import { server } from "../page/server.js";
import { t } from "../texts.js";
import { words } from "../texts/security.js";
import { Card } from "./card.js";
import { Page } from "./page.js";

export function SecurityScreen(): JSX.Element {
  if (app.value.phase !== "in") {
    return (
      <Card title={words.title}>
        <Points />
        <p class="foot">
          <a href="#/">{t.back}</a>
        </p>
      </Card>
    );
  }
  return (
    <Page title={words.title} back="#/settings">
      <Points />
    </Page>
  );
}

function Points(): JSX.Element {
  return (
    <>
      <p>{words.intro}</p>
      {words.points.map(({ title, text }) => (
        <section key={title} class="point">
          <h2>{title}</h2>
          <p>{text}</p>
        </section>
      ))}
      <p>
        <a href={`${server}/docs/security#the-web-client`} target="_blank" rel="noopener">
          {words.more}
        </a>
      </p>
    </>
  );
}
