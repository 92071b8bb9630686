/** The settings that hold, and where each comes from. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useResource } from "../data/resource.js";
import type { Setting } from "../data/types.js";
import { Field, Loaded, Panel } from "../parts/parts.js";
import { Table } from "../parts/table.js";

export function Settings(): JSX.Element {
  const settings = useResource<{ settings: Setting[] }>("config");
  const [text, setText] = useState("");
  const [isOwn, setOwn] = useState(true);
  return (
    <Panel
      title="Settings"
      about="What holds, and where it comes from. Secrets are not shown."
      actions={
        <button type="button" aria-pressed={!isOwn} onClick={() => setOwn(!isOwn)}>
          {isOwn ? "Show defaults, too" : "Only what was set"}
        </button>
      }
    >
      <Field label="Search" type="search" value={text} onValue={setText} placeholder="part of a name" />
      <Loaded of={settings}>
        {({ settings: all }) => (
          <Table
            caption="Settings"
            columns={[
              { head: "Setting", isName: true, cell: ({ key }) => <code>{key}</code> },
              { head: "Value", cell: ({ value }) => <code>{typeof value === "string" ? value : JSON.stringify(value)}</code> },
              { head: "From", cell: ({ source }) => source },
            ]}
            rows={all.filter(
              ({ key, source }) => key.includes(text.trim().toLowerCase()) && (!isOwn || text !== "" || source !== "default"),
            )}
            keyOf={({ key }) => key}
            empty={text === "" ? "Nothing was set: everything is as it comes." : "There is no such setting."}
          />
        )}
      </Loaded>
    </Panel>
  );
}
