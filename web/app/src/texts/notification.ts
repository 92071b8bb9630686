/** What a notification says: that there is something, and no more. */
export const t = { title: "Fluent", body: "New message" };
