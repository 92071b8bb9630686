/** Whether this browser is woken for new messages while the program is closed. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type PushState, pushState, switchOff, switchOn } from "../page/push.js";
import { t } from "../texts.js";
import { words } from "../texts/push.js";
import { Failure, useWork } from "./parts.js";
import { Group, Row, Switch } from "./rows.js";

export function Notifications(): JSX.Element | null {
  const [state, setState] = useState<PushState | null>(null);
  const work = useWork();
  useEffect(() => {
    pushState()
      .then(setState)
      .catch(() => {});
  }, []);
  if (state === null || state === "not_offered") return null;
  const text = { on: words.text, off: words.text, denied: words.denied, unsupported: words.unsupported }[state];
  const isPossible = state === "on" || state === "off";
  return (
    <Group title={words.title}>
      {isPossible ? (
        <Switch
          label={words.label}
          text={work.isBusy ? t.enter.working : text}
          isOn={state === "on"}
          onChange={(isOn) => work.run(async () => setState(await (isOn ? switchOn() : switchOff())))}
        />
      ) : (
        <Row title={words.label} text={text} />
      )}
      <Failure text={work.failure} />
    </Group>
  );
}
