/** What is shown where the browser hands out no tools for encryption. */
import type { JSX } from "preact";
import { t } from "../texts.js";
import { Card } from "./card.js";

export function Insecure(): JSX.Element {
  return (
    <Card title={t.insecure.title}>
      <p>{t.insecure.why}</p>
      <p>{t.insecure.how}</p>
      <ul>
        {t.insecure.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ul>
      <p class="faint">{t.insecure.old}</p>
    </Card>
  );
}
