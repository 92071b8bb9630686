/** A person: the safety number, and what one can do. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Person, SafetyNumber } from "../bridge/protocol.js";
import { calls } from "../page/calls.js";
import { pathOf } from "../page/route.js";
import { chatWith, chats } from "../page/state.js";
import { words } from "../texts/person.js";
import { t } from "../texts.js";
import { lazy } from "./lazy.js";
import { Page } from "./page.js";
import { Avatar, Confirm, Icon } from "./parts.js";
import { QrCode } from "./qr.js";

const Scan = lazy(() => import("./scan.js").then((scan) => scan.default), null);

export function PersonScreen({ name }: { name: string }): JSX.Element {
  const [found, setFound] = useState<Person | null>(null);
  const [number, setNumber] = useState<SafetyNumber | "unavailable" | null>(null);
  const [isScanning, setScanning] = useState(false);
  const [isBlocking, setBlocking] = useState(false);
  const person = chats.value.find(({ partner }) => partner.name === name)?.partner ?? found;
  const chat = person ? chatWith(person.id) : undefined;
  const load = (id: number) =>
    calls()
      .safetyNumber(id)
      .then(setNumber)
      .catch(() => setNumber("unavailable"));

  useEffect(() => {
    if (person) return void load(person.id);
    calls()
      .find(name)
      .then((someone) => setFound(someone))
      .catch(() => setNumber("unavailable"));
  }, [person?.id, chat?.keyChanges.length]);

  const mark = async (isVerified: boolean) => {
    if (!person) return;
    await calls().verify(person.id, isVerified);
    await load(person.id);
  };

  return (
    <Page title={words.title} back={pathOf({ at: "chat", name })}>
      <div class="profile">
        <Avatar name={name} />
        <h2>{name}</h2>
        {chat?.isVerified && (
          <p class="badge">
            <Icon name="verified" />
            {t.person.verified}
          </p>
        )}
        {chat?.mustConfirmKey && <p class="badge warn">{t.failures["key_not_trusted"]}</p>}
      </div>
      <section class="group">
        <h3>{words.number}</h3>
        <p>{words.numberText(name)}</p>
        {number === "unavailable" && <p class="notice">{words.unavailable}</p>}
        {number === null && <div class="number-place" />}
        {number !== null && number !== "unavailable" && (
          <>
            <div class="number-row">
              <ol class="number" aria-label={words.number}>
                {number.groups.map((group, index) => (
                  <li key={index}>{group}</li>
                ))}
              </ol>
              <QrCode text={number.code} label={words.code} />
            </div>
            <div class="acts">
              {number.isVerified ? (
                <button type="button" onClick={() => void mark(false)}>
                  {words.unverify}
                </button>
              ) : (
                chat && (
                  <button type="button" class="primary" onClick={() => void mark(true)}>
                    {words.verify}
                  </button>
                )
              )}
              {chat && (
                <button type="button" onClick={() => setScanning(true)}>
                  {words.scan}
                </button>
              )}
            </div>
            {isScanning && person && (
              <Scan
                person={person}
                code={number.code}
                onVerified={() => void load(person.id).then(() => setScanning(false))}
                onClose={() => setScanning(false)}
              />
            )}
          </>
        )}
        <p class="faint">{words.numberLimit}</p>
      </section>
      {chat && person && (
        <section class="group">
          {chat.isBlocked ? (
            <button type="button" onClick={() => void calls().block(person.id, false)}>
              {words.unblock}
            </button>
          ) : (
            <button type="button" class="danger" onClick={() => setBlocking(true)}>
              {words.block}
            </button>
          )}
          {isBlocking && (
            <Confirm
              title={words.blockTitle(name)}
              text={words.blockText}
              yes={words.block}
              isDangerous
              onClose={() => setBlocking(false)}
              onYes={() => calls().block(person.id, true)}
            />
          )}
        </section>
      )}
    </Page>
  );
}
