// What operators do, and that the server has done it.
import { PASSWORD, eventually } from "../web/server.mjs";

export async function acts({ arrive, check, server, newToken, admin }) {
  const operator = await arrive();
  const { page } = operator;
  const token = newToken("acts", "write");
  await operator.signIn(token);
  const api = async (path) => {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${server.adminOrigin}/admin/api/${path}`, { headers })).json();
  };

  const [name, email] = ["zoe", "zoe@example.org"];
  const account = { username: name, email, password: PASSWORD, public_key: "AAAA" };
  const headers = { "content-type": "application/json" };
  const registered = await fetch(`${server.origin}/auth/register`, { method: "POST", headers, body: JSON.stringify(account) });
  const { id } = await registered.json();

  await operator.go("door");
  await page.getByRole("button", { name: /^By invite/ }).click();
  await operator.confirm("Switch");
  await operator.told("Registration is invite now.");
  check("registration is switched", (await api("registration")).mode === "invite");
  await page.getByLabel("Note").fill("from the page");
  await page.getByRole("button", { name: "Make an invite" }).click();
  const code = await page.locator(".secret code").innerText();
  const [invite] = (await api("invites")).invites;
  check("an invite is made, and its code shown once", code.startsWith(invite.code_begins) && invite.note === "from the page", code);

  await operator.go("door/addresses");
  await page.getByLabel("Network").fill("203.0.113.0/24");
  await page.getByLabel("Reason").fill("of the test");
  await page.getByRole("button", { name: "Add the rule" }).click();
  await operator.confirm("Block");
  await page.getByLabel("Address", { exact: true }).fill("203.0.113.9");
  await page.getByRole("button", { name: "Ask" }).click();
  await page.locator(".answer .bad", { hasText: "kept out" }).first().waitFor();
  check("what would happen to an address is told", (await page.locator(".answer").innerText()).includes("of the test"));
  await page.getByRole("button", { name: "Remove 203.0.113.0/24" }).click();
  await operator.confirm("Remove");
  await page.getByText("There are no rules").waitFor();
  check("a rule is removed", (await api("address_rules")).rules.length === 0);

  await operator.go("people");
  await page.getByRole("searchbox").fill(name);
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("button", { name: "Disable …" }).click();
  await operator.confirm("Disable");
  await page.locator(".facts .state", { hasText: "disabled" }).waitFor();
  check("somebody is disabled", (await api(`users/${id}`)).state === "disabled");
  await page.getByRole("button", { name: "Enable …" }).click();
  await operator.confirm("Enable");
  await page.locator(".facts .state", { hasText: "active" }).waitFor();
  await page.getByRole("button", { name: "Reset password …" }).click();
  await operator.confirm("Reset password");
  check("a new password is shown", (await page.locator(".secret code").innerText()).length >= 16);
  await page.getByRole("button", { name: "Delete …" }).click();
  const verb = page.getByRole("dialog").getByRole("button", { name: "Delete for ever" });
  check("nobody is deleted by a slip", await verb.isDisabled());
  await operator.confirm("Delete for ever", name);
  await operator.told(`${name} is deleted.`);
  const found = (await api(`users?query=${id}`)).users.filter((user) => user.id === id);
  check("somebody is deleted", found.length === 0, found);

  await operator.go("sockets");
  const closed = () => server.metric("fluent_sockets_closed_total", 'code="1012"');
  const before = await closed();
  await page.getByRole("button", { name: /^Close socket/ }).last().click();
  await operator.confirm("Close socket");
  await eventually("the socket is closed", async () => (await closed()) > before);
  check("a socket is closed, and told to come back", true);

  await operator.go("log");
  const audit = page.locator("section", { hasText: "Audit" }).last();
  await audit.getByText("token acts").first().waitFor();
  check("the audit log names the token", true);

  await operator.go("server");
  await page.getByRole("searchbox").fill("admin.listen");
  await page.locator("table.rows tbody tr", { hasText: "environment" }).waitFor();
  check("settings say where they come from", true);
  await page.getByRole("button", { name: "Reload …" }).click();
  await operator.confirm("Read anew");
  await operator.told("Nothing in use has changed.");
  check("files are read anew", (await api("audit?limit=1")).entries[0].detail.action === "reload");
  await page.getByRole("button", { name: "Drain …" }).click();
  const stop = page.getByRole("dialog").getByRole("button", { name: "Drain and stop" });
  check("nobody stops the server by a slip", await stop.isDisabled());
  await page.keyboard.press("Escape");

  const guest = await arrive();
  const { link } = admin("open", "--scope", "read");
  await guest.page.goto(link);
  await guest.page.getByText("Token page, by a link, read").waitFor();
  check("a link signs in, and does not stay in the address", new URL(guest.page.url()).hash === "#/", guest.page.url());
  const late = await arrive();
  await late.page.goto(link);
  await late.page.getByRole("alert").filter({ hasText: "was used already" }).waitFor();
  check("a link works once", true);

  const reader = await arrive();
  await reader.signIn(newToken("reader", "read"));
  await reader.page.getByText("Token reader, read").waitFor();
  for (const path of ["people", "door", "door/addresses", "server", "sockets"]) {
    await reader.go(path);
    const offered = await reader.page.locator("main td.action button, main button.primary, main button.danger").allInnerTexts();
    check(`a token that only reads is offered no change at ${path}`, offered.length === 0, offered);
  }
}
