/** A person: the safety number, and what one can do. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Person, SafetyNumber } from "../bridge/protocol.js";
import { calls } from "../page/calls.js";
import { pathOf } from "../page/route.js";
import { chatWith, chats } from "../page/state.js";
import { t } from "../texts.js";
import { Page } from "./page.js";
import { Avatar, Confirm, Icon } from "./parts.js";
import { QrCode } from "./qr.js";

export function PersonScreen({ name }: { name: string }): JSX.Element {
  const [found, setFound] = useState<Person | null>(null);
  const [number, setNumber] = useState<SafetyNumber | "unavailable" | null>(null);
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
    <Page title={t.person.title} back={pathOf({ at: "chat", name })}>
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
        <h3>{t.person.number}</h3>
        <p>{t.person.numberText(name)}</p>
        {number === "unavailable" && <p class="notice">{t.person.unavailable}</p>}
        {number === null && <div class="number-place" />}
        {number !== null && number !== "unavailable" && (
          <>
            <div class="number-row">
              <ol class="number" aria-label={t.person.number}>
                {number.groups.map((group, index) => (
                  <li key={index}>{group}</li>
                ))}
              </ol>
              <QrCode text={number.code} label={t.person.code} />
            </div>
            {number.isVerified ? (
              <button type="button" onClick={() => void mark(false)}>
                {t.person.unverify}
              </button>
            ) : (
              chat && (
                <button type="button" class="primary" onClick={() => void mark(true)}>
                  {t.person.verify}
                </button>
              )
            )}
          </>
        )}
        <p class="faint">{t.person.numberLimit}</p>
      </section>
      {chat && person && (
        <section class="group">
          {chat.isBlocked ? (
            <button type="button" onClick={() => void calls().block(person.id, false)}>
              {t.person.unblock}
            </button>
          ) : (
            <button type="button" class="danger" onClick={() => setBlocking(true)}>
              {t.person.block}
            </button>
          )}
          {isBlocking && (
            <Confirm
              title={t.person.blockTitle(name)}
              text={t.person.blockText}
              yes={t.person.block}
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
