// Made by gen.mjs of docs/asyncapi.json: do not edit.
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Attachment: {
            /** @description Where it is read, relative to the server's address. */
            file_url: string;
            id: components["schemas"]["MediaId"];
            /** @description Bytes. */
            size: number;
        } & {
            [key: string]: unknown;
        };
        /** @description The user has blocked somebody, or no longer blocks them. */
        BlockFrame: {
            /** @description Blocked or not. */
            blocked: boolean;
            seq: components["schemas"]["Seq"];
            /** @constant */
            type: "block";
            /** @description Who is blocked or no longer blocked. */
            user_id: number;
        };
        /** @description An encrypted copy: 1 to 98,304 bytes of UTF-8, which the server neither reads nor changes. */
        Ciphertext: string;
        /** @description Any frame that the client sends. */
        ClientFrame: components["schemas"]["SendFrame"] | components["schemas"]["DeliveredFrame"] | components["schemas"]["ReadFrame"] | components["schemas"]["DeleteFrame"] | components["schemas"]["SetTypingFrame"] | components["schemas"]["WatchPresenceFrame"] | components["schemas"]["PingFrame"];
        /** @description The sender's own name of a message, unique for the sender; should be a UUIDv7. */
        ClientId: string;
        /** @description Id of a conversation. */
        ConversationId: number;
        /** @description A place in the stream, `epoch:seq`. The epoch is an opaque word of the store. */
        Cursor: string;
        /** @description By the server's retention, everything older is gone. */
        DeletedBeforeFrame: {
            seq: components["schemas"]["Seq"];
            timestamp: components["schemas"]["Timestamp"];
            /** @constant */
            type: "deleted_before";
        };
        /** @description A message is gone: destroy its content. */
        DeletedFrame: {
            /** @description Who deleted it; null when the server did. */
            by: number | null;
            conversation_id: components["schemas"]["ConversationId"];
            /**
             * @description Only when true: it was deleted so before, and moves no cursor.
             * @constant
             */
            duplicate?: true;
            for: components["schemas"]["DeleteFor"];
            id: components["schemas"]["MessageId"];
            /** @description The other side of the conversation, as seen by this user. */
            partner_id: number;
            /**
             * @description Somebody deleted it, or its time is up.
             * @enum {string}
             */
            reason: "user" | "expired";
            ref?: components["schemas"]["Ref"];
            seq: components["schemas"]["Seq"];
            /** @constant */
            type: "deleted";
        };
        /**
         * @description For whom: only oneself, or both sides.
         * @enum {string}
         */
        DeleteFor: "me" | "everyone";
        /** @description Destroys the own copy, or both. */
        DeleteFrame: {
            for: components["schemas"]["DeleteFor"];
            id: components["schemas"]["MessageId"];
            ref?: components["schemas"]["Ref"];
            /** @constant */
            type: "delete";
        };
        /** @description Everything up to this event is safely kept on this device. */
        DeliveredFrame: {
            ref?: components["schemas"]["Ref"];
            /** @constant */
            type: "delivered";
            /** @description Highest `seq` that is kept. */
            up_to_seq: number;
        };
        /** @description Name of a device, unique for its user. */
        DeviceId: string;
        /** @description `conflict` comes with `id`, `seq` and `timestamp`, `stale_key` with `key_id`, `rate_limited` with `limiter`. */
        ErrorFrame: {
            /** @description With `not_found`: the first of `attachment_ids` that is no whole file of the sender, as it was given. */
            attachment_id?: string;
            client_id?: components["schemas"]["ClientId"];
            code: components["schemas"]["FrameErrorCode"];
            /** @description With `conflict`: the stored message. */
            id?: number;
            key_id?: components["schemas"]["KeyId"];
            /** @description With `rate_limited`: which limit. */
            limiter?: string;
            /** @description For people who write clients. */
            message: string;
            ref?: components["schemas"]["Ref"];
            /** @description When to try again. */
            retry_after_ms?: number;
            /** @description Whether the same frame may succeed later. */
            retryable: boolean;
            /** @description With `conflict`: the `seq` of the stored message. */
            seq?: number;
            timestamp?: components["schemas"]["Timestamp"];
            /** @constant */
            type: "error";
        };
        /**
         * @description For programs. More words may come: go by `retryable` when you do not know one.
         * @enum {string}
         */
        FrameErrorCode: "rate_limited" | "unavailable" | "bad_json" | "bad_frame" | "unknown_type" | "unknown_user" | "too_large" | "quota" | "blocked" | "conflict" | "stale_key" | "not_found" | "forbidden";
        /** @description The server restarts and will close this socket with 1012. */
        GoingAwayFrame: {
            /** @description When to come back, counted from the close; already jittered. */
            reconnect_after_ms: number;
            /** @constant */
            type: "going_away";
        };
        /** @description The first frame of every socket. */
        HelloFrame: {
            cursor: components["schemas"]["Cursor"];
            device_id: components["schemas"]["DeviceId"];
            limits: components["schemas"]["SocketLimits"];
            server_time: components["schemas"]["Timestamp"];
            /** @constant */
            type: "hello";
            user_id: components["schemas"]["UserId"];
        };
        /** @description A user has a new public key. */
        KeyChangedFrame: {
            key_id: components["schemas"]["KeyId"];
            seq: components["schemas"]["Seq"];
            /** @constant */
            type: "key_changed";
            /** @description Whose key. */
            user_id: number;
        };
        /** @description The first 16 hex digits of the SHA-256 of a public key's text. */
        KeyId: string;
        /** @description The replay is complete; what follows happens now. */
        LiveFrame: {
            cursor: components["schemas"]["Cursor"];
            /** @constant */
            type: "live";
        };
        /** @description Names a file: 16 random bytes in base64url. */
        MediaId: string;
        /** @description A message to this user, or one that the user has sent elsewhere. */
        MessageFrame: {
            /** @description The files that it names, in the order of `attachment_ids`; absent when there are none. */
            attachments?: components["schemas"]["Attachment"][];
            client_id?: components["schemas"]["ClientId"];
            content: components["schemas"]["Ciphertext"];
            conversation_id: components["schemas"]["ConversationId"];
            expires_at?: components["schemas"]["Timestamp"];
            /** @description What the sender has committed to; see `POST /reports`. */
            franking_tag?: string;
            id: components["schemas"]["MessageId"];
            message_type: components["schemas"]["MessageType"];
            receiver_id: components["schemas"]["UserId"];
            reply_to?: components["schemas"]["MessageId"];
            /** @description The server's word for who has sent it to whom and when, for `POST /reports`; not of own messages. */
            report_token?: string;
            sender_id: components["schemas"]["UserId"];
            seq: components["schemas"]["Seq"];
            timestamp: components["schemas"]["Timestamp"];
            /** @constant */
            type: "message";
        };
        /** @description Id of a message, the same for both sides. */
        MessageId: number;
        /** @description What the payload is to the clients. `text` is what users of the Android app can read. */
        MessageType: string;
        /** @description Asks for a `pong`. */
        PingFrame: {
            ref?: components["schemas"]["Ref"];
            /** @constant */
            type: "ping";
        };
        /** @description Answer to `ping`. */
        PongFrame: {
            ref?: components["schemas"]["Ref"];
            /** @constant */
            type: "pong";
        };
        /** @description A watched partner is online or offline. */
        PresenceFrame: {
            /**
             * Format: date-time
             * @description Only with `offline`, and not always: when the user was last online, cut to the minute.
             */
            last_seen?: string;
            /** @enum {string} */
            status: "online" | "offline";
            /** @constant */
            type: "presence";
            /** @description Who. */
            user_id: number;
        };
        /** @description The partner's messages up to this one have been read. */
        ReadFrame: {
            /** @description Whose messages. */
            partner_id: number;
            ref?: components["schemas"]["Ref"];
            /** @constant */
            type: "read";
            /** @description Id of the newest message that was read. */
            up_to_id: number;
        };
        /** @description A receipt with its number. */
        ReceiptFrame: {
            conversation_id: components["schemas"]["ConversationId"];
            /**
             * @description `read` implies `delivered`.
             * @enum {string}
             */
            kind: "delivered" | "read";
            /** @description Whose messages. */
            partner_id: number;
            ref?: components["schemas"]["Ref"];
            seq: components["schemas"]["Seq"];
            timestamp: components["schemas"]["Timestamp"];
            /** @constant */
            type: "receipt";
            /** @description Id of the newest message meant; 0 when there is none. */
            up_to_id: number;
            /** @description Who received or read. */
            user_id: number;
        };
        /** @description Chosen by the client; the direct answer to its frame echoes it, as string or integer as it came. */
        Ref: string | number;
        /** @description `since` cannot be honoured: reload by history. */
        ResetFrame: {
            cursor: components["schemas"]["Cursor"];
            /**
             * @description `epoch`: malformed or of another store; `future`: beyond the head; `expired`: older than what the server still knows.
             * @enum {string}
             */
            reason: "epoch" | "future" | "expired";
            /** @constant */
            type: "reset";
        };
        /** @description Stores a message and relays it. */
        SendFrame: {
            /** @description Files that the user has uploaded whole, at most `limits.attachments`; else `not_found` with `attachment_id`. */
            attachment_ids?: components["schemas"]["MediaId"][] | null;
            client_id: components["schemas"]["ClientId"];
            /** @description The message is destroyed so many seconds after it was stored, by the server's clock. */
            expires_in_s?: number | null;
            /** @description HMAC-SHA-256 of the plaintext under a random key in it, so that the receiver can prove what it says; see `POST /reports`. */
            franking_tag?: string | null;
            message_type: components["schemas"]["MessageType"];
            receiver_encrypted: components["schemas"]["Ciphertext"];
            /** @description Key that `receiver_encrypted` was made for. When it is not the receiver's current one: `stale_key`. */
            receiver_key_id?: string | null;
            ref?: components["schemas"]["Ref"];
            /** @description Id of the message that this one answers: one of the same conversation, gone or not; else `not_found`. */
            reply_to?: number | null;
            sender_encrypted: components["schemas"]["Ciphertext"];
            /** @description Whom to; oneself is allowed. */
            to: number;
            /** @constant */
            type: "send";
            /**
             * @description How soon sleeping devices of the receiver are woken; `high` unless given. Not relayed, and no part of the message.
             * @enum {string|null}
             */
            urgency?: "high" | "normal" | "none" | null;
        };
        /** @description Number of an event in this user's order. It grows, with gaps; the same on all devices of the user. */
        Seq: number;
        /** @description Any frame that the server sends. */
        ServerFrame: components["schemas"]["HelloFrame"] | components["schemas"]["ResetFrame"] | components["schemas"]["LiveFrame"] | components["schemas"]["StoredFrame"] | components["schemas"]["MessageFrame"] | components["schemas"]["ReceiptFrame"] | components["schemas"]["StandingReceiptFrame"] | components["schemas"]["DeletedFrame"] | components["schemas"]["DeletedBeforeFrame"] | components["schemas"]["KeyChangedFrame"] | components["schemas"]["UserDeletedFrame"] | components["schemas"]["BlockFrame"] | components["schemas"]["TypingFrame"] | components["schemas"]["PresenceFrame"] | components["schemas"]["PongFrame"] | components["schemas"]["GoingAwayFrame"] | components["schemas"]["ErrorFrame"];
        /** @description Tells the partner that one types or has stopped. */
        SetTypingFrame: {
            /** @description Typing or not. */
            active: boolean;
            ref?: components["schemas"]["Ref"];
            /** @description Whom to. */
            to: number;
            /** @constant */
            type: "typing";
        };
        /** @description What this server takes. */
        SocketLimits: {
            /** @description Most files that a message names; absent when the server takes no files. */
            attachments?: number;
            /** @description Largest encrypted copy, in bytes of UTF-8. */
            ciphertext_bytes: number;
            /** @description Largest frame; a larger one closes the socket with 1009. */
            frame_bytes: number;
            /** @description How often the server pings, give or take a tenth. */
            heartbeat_s: number;
            /** @description Frames that may wait for their answer; then the server stops reading. */
            in_flight: number;
            /** @description Largest file in bytes; absent when the server takes no files. */
            media_bytes?: number;
        };
        /** @description The answer to a `read` that moved nothing: the standing receipt, without number and time where there is none yet (`up_to_id` 0). */
        StandingReceiptFrame: {
            conversation_id: components["schemas"]["ConversationId"];
            /**
             * @description It moved nothing or was merged into another: it moves no cursor.
             * @constant
             */
            duplicate: true;
            /**
             * @description `read` implies `delivered`.
             * @enum {string}
             */
            kind: "delivered" | "read";
            /** @description Whose messages. */
            partner_id: number;
            ref?: components["schemas"]["Ref"];
            seq?: components["schemas"]["Seq"];
            timestamp?: components["schemas"]["Timestamp"];
            /** @constant */
            type: "receipt";
            /** @description Id of the newest message meant; 0 when there is none. */
            up_to_id: number;
            /** @description Who received or read. */
            user_id: number;
        };
        /** @description A `send` of this socket is committed. */
        StoredFrame: {
            client_id: components["schemas"]["ClientId"];
            conversation_id: components["schemas"]["ConversationId"];
            /** @description Whether this `client_id` was stored before. Always present. */
            duplicate: boolean;
            id: components["schemas"]["MessageId"];
            ref?: components["schemas"]["Ref"];
            seq: components["schemas"]["Seq"];
            timestamp: components["schemas"]["Timestamp"];
            /** @constant */
            type: "stored";
        };
        /**
         * Format: date-time
         * @description UTC with microseconds.
         */
        Timestamp: string;
        /** @description The partner types or has stopped. */
        TypingFrame: {
            /** @description Typing or not. */
            active: boolean;
            conversation_id: components["schemas"]["ConversationId"];
            /** @constant */
            type: "typing";
            /** @description Who types. */
            user_id: number;
        };
        /** @description An account was deleted. */
        UserDeletedFrame: {
            seq: components["schemas"]["Seq"];
            /** @constant */
            type: "user_deleted";
            /** @description Whose account. */
            user_id: number;
        };
        /** @description Id of a user. */
        UserId: number;
        /** @description Replaces this socket's list of watched users. */
        WatchPresenceFrame: {
            ref?: components["schemas"]["Ref"];
            /** @constant */
            type: "presence";
            /** @description The whole new list; empty stops. */
            watch: components["schemas"]["UserId"][];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
