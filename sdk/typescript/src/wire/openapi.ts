// Made by gen.mjs of docs/openapi.json: do not edit.
export interface paths {
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The public keys of access tokens: a JWK Set (RFC 7517 §5). */
        get: operations["get_token_keys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/get_all_users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Find users by a part of their name, for the shipped Android app: without a token, unless the server is configured to
         *     ask for one. At most 50.
         */
        get: operations["get_all_users"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begin a login session. Of more than 100 the one that was not used for longest ends. */
        post: operations["log_in"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login/second_factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begin a login session that waits for a code of the second factor. Five wrong codes end the wait. */
        post: operations["log_in_with_code"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End this login session and close its sockets. */
        post: operations["log_out"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout_all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End all login sessions of the user, this one included, and close their sockets. */
        post: operations["log_out_everywhere"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Change the password; ends all login sessions, this one too, and begins a new one. */
        put: operations["change_password"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get new tokens for a refresh token.
         * @description A spent token gets the same successor again for 30 s, and later as long as that successor was not used; after that its
         *     return ends the login session.
         */
        post: operations["refresh_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make an account. */
        post: operations["register_account"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/second_factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your second factor. */
        get: operations["get_second_factor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/second_factor/recovery_codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Replace the recovery codes. */
        post: operations["replace_recovery_codes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/second_factor/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Get a secret for an authenticator app. It counts when its first code has confirmed it; the next call replaces it. */
        post: operations["begin_totp"];
        /** Switch the second factor off. */
        delete: operations["remove_totp"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/second_factor/totp/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Switch the second factor on with the first code of the app, which is used up. */
        post: operations["confirm_totp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The user's login sessions. */
        get: operations["list_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End one login session of the user and close its sockets. */
        delete: operations["end_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/ws_ticket": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A ticket that opens one socket, for clients that can set no header: it may stand in a URL, since it works once and not for
         *     long.
         */
        post: operations["create_socket_ticket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/chat/all_messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Your messages with one partner, newest first. `content` is the copy made for you. A page ends at 1 MiB of contents:
         *     the last one is empty.
         */
        get: operations["list_messages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/chat/chat_list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everybody you have written with, with the newest message, newest first; at most 1000, and 1 MiB of contents. */
        get: operations["list_chats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/chat/conversations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your conversations, newest first. A page ends at 1 MiB of contents: the last one is empty. */
        get: operations["list_conversations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/chat/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Store and deliver a message, as `send` on the socket. */
        post: operations["send_message"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/chat/messages/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a message, as `delete` on the socket. */
        delete: operations["delete_message"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/chat/partnerinfo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A user's name and public key. */
        get: operations["get_partner"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/chat/receipts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say what has arrived and what was read, as `delivered` and `read` on the socket. Unknown partners are skipped. */
        post: operations["send_receipts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/chat/sync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened after a cursor, page by page. */
        get: operations["sync_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/chat/ws": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Open a WebSocket (RFC 6455) for messages.
         * @description With the subprotocol `fluent.v1` it speaks what /asyncapi.json describes; browsers may offer `bearer.<token>` beside it.
         *     Without one it speaks the dialect of the shipped Android app: send text frames
         *     `{"receiverID":int,"receiver_encrypted":s,"sender_encrypted":s,"messageType":"text"}`; every stored message comes back as
         *     `{"sender_id","receiver_id","content","message_type","timestamp"}` on all sockets of both sides.
         */
        get: operations["open_socket"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The process answers. */
        get: operations["check_liveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/media": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Declare a file: with its bytes, with some of them, or without.
         * @description As tus 1.0.0 does: with `Upload-Length`, and perhaps a body of the type `application/offset+octet-stream`. Or with
         *     `{"size","sha256"?}` as JSON. Or the whole file as `application/octet-stream`.
         */
        post: operations["declare_file"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/media/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a file, or one range of it.
         * @description While no message names the file, its owner may; from then on, whoever is shown a message that does. HEAD returns the
         *     head alone; with `Tus-Resumable: 1.0.0` it says to the owner how far the upload is.
         */
        get: operations["read_file"];
        /**
         * Send all bytes of a file that was declared.
         * @description If the connection is cut, go on with PATCH at the offset that HEAD returns.
         */
        put: operations["put_file"];
        /** PATCH or DELETE, for clients that cannot send them. */
        post: operations["override_method"];
        /** Delete a file that no message names. */
        delete: operations["delete_file"];
        options?: never;
        head?: never;
        /**
         * Go on with an upload, as tus 1.0.0 does.
         * @description A request that is still writing to this upload is stopped, and answered 409. What has come before a connection was
         *     cut is kept; with `Upload-Checksum` all of a part is kept or nothing.
         */
        patch: operations["append_to_file"];
        trace?: never;
    };
    "/media/{id}/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a link by which the file can be read without signing in.
         * @description It ends with its time, with your right to read the file, and with your last session.
         */
        post: operations["link_file"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/push/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What an app needs to register with a provider; one that is not configured is absent. */
        get: operations["get_push_config"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/push/targets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The user's devices that are registered to be woken. */
        get: operations["list_devices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/push/targets/{device_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Register a device to be woken, or replace its address. It ends with this login session.
         * @description Apps do so at every start: it also makes a suspended device active again.
         */
        put: operations["register_device"];
        post?: never;
        /** Wake a device no more. */
        delete: operations["remove_device"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/push/targets/{device_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Wake a device now, and tell what the provider has said. */
        post: operations["test_device"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The server can be used: database, actors, room on the disk, a place for newcomers, not going down. */
        get: operations["check_readiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/registration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who may register. */
        get: operations["get_registration"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report a message that you have received.
         * @description What the message says is told only if you disclose its key and plaintext. A message can be reported once; the first report stays as it is.
         */
        post: operations["report_message"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/root": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The original server's greeting. */
        get: operations["get_greeting"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Users by id; unknown ids are left out. An answer ends at 1 MiB of names and keys: ask again for ids above the last
         *     one.
         */
        get: operations["get_users"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{id}/block": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Block a user: neither of you may write to the other. */
        put: operations["block_user"];
        post?: never;
        /** Unblock a user. */
        delete: operations["unblock_user"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/blocked": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whom you have blocked, at most 1000. */
        get: operations["list_blocked_users"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your account. */
        get: operations["get_profile"];
        put?: never;
        post?: never;
        /** Delete your account with all its conversations. Partners are told, and may keep what their devices hold. */
        delete: operations["delete_account"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/public_key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Replace your public key; everybody you share a conversation with is told.
         * @description Unless this login session began with a password within the last 10 minutes, the password is needed. The same key in another spelling
         *     of its base64 changes nothing.
         */
        put: operations["set_public_key"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/me/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Change settings; those that are left out stay. */
        put: operations["change_settings"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Find users by a part of their name. */
        get: operations["search_users"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Alive: {
            /** @example ok */
            status: string;
        };
        /** @description What an app needs to register with APNs. */
        ApnsOffer: {
            /** @description The bundle ids that may be registered. */
            topics: string[];
        };
        Attachment: {
            /** @description Where it is read, relative to the server's address. */
            file_url: string;
            id: components["schemas"]["MediaId"];
            /** @description Bytes. */
            size: number;
        } & {
            [key: string]: unknown;
        };
        BeginTotpRequest: {
            /** Format: password */
            password: string;
        };
        /** @description The user has blocked somebody, or no longer blocks them. */
        BlockFrame: {
            /** @description Blocked or not. */
            blocked: boolean;
            seq: components["schemas"]["Seq"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "block";
            /** @description Who is blocked or no longer blocked. */
            user_id: number;
        };
        ChatListEntry: {
            message: components["schemas"]["Message"];
            partner: components["schemas"]["KeyedUser"];
        };
        /** @description One check, for operators and their tools. */
        Check: {
            /**
             * @description What is checked.
             * @example persistence
             */
            name: string;
            /** @description Whether the server can be used as far as this goes. */
            ok: boolean;
            /**
             * @description Why it cannot.
             * @example has worked on one message for 7.2 s
             */
            reason?: string | null;
            /**
             * Format: date-time
             * @description Since when it fails.
             */
            since?: string | null;
            /** @description What an operator should look at although the server can be used. */
            warning?: string | null;
        };
        /** @description An encrypted copy: 1 to 98,304 bytes of UTF-8, which the server neither reads nor changes. */
        Ciphertext: string;
        /** @description The sender's own name of a message, unique for the sender; should be a UUIDv7. */
        ClientId: string;
        ConfirmTotpRequest: {
            /**
             * @description Of the authenticator app.
             * @example 123456
             */
            code: string;
        };
        Conversation: {
            /** @description Whether you have blocked the partner. */
            blocked: boolean;
            /** Format: int64 */
            conversation_id: number;
            last_message?: components["schemas"]["Message"] | null;
            partner: components["schemas"]["KeyedUser"];
            /** Format: int64 */
            partner_delivered_up_to_id?: number | null;
            /** Format: int64 */
            partner_read_up_to_id?: number | null;
            /** Format: int64 */
            read_up_to_id?: number | null;
            /**
             * Format: int64
             * @description Of its newest message, deleted ones counted.
             */
            seq: number;
            /**
             * Format: int64
             * @description Messages of the partner that you have not read and can still be shown.
             */
            unread: number;
        };
        /** @description Id of a conversation. */
        ConversationId: number;
        /** @description A place in the stream, `epoch:seq`. The epoch is an opaque word of the store. */
        Cursor: string;
        Declaration: {
            /** @description The SHA-256 that the file must have, in lower-case hexadecimal digits. */
            sha256?: string | null;
            /**
             * Format: int64
             * @description Bytes of the file.
             */
            size: number;
        };
        DeclaredFile: {
            /**
             * Format: date-time
             * @description When the file is removed if no message names it.
             */
            expires_at?: string | null;
            /** @description Names the file in messages. */
            id: string;
            /**
             * Format: int64
             * @description How many bytes have come.
             */
            offset: number;
            /**
             * Format: int64
             * @description As it was declared.
             */
            size: number;
            /**
             * @description Where its bytes go, by PUT or PATCH, and where it is read.
             * @example /media/AAAAAAAAAAAAAAAAAAAAAA
             */
            upload_url: string;
        };
        /** @description By the server's retention, everything older is gone. */
        DeletedBeforeFrame: {
            seq: components["schemas"]["Seq"];
            timestamp: components["schemas"]["Timestamp"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
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
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "deleted";
        };
        /**
         * @description For whom: only oneself, or both sides.
         * @enum {string}
         */
        DeleteFor: "me" | "everyone";
        DeleteRequest: {
            /** @description Needed where the second factor is on: of the authenticator app, or a recovery code. */
            code?: string | null;
            /** Format: password */
            password: string;
        };
        DeliveredUpTo: {
            /**
             * Format: int64
             * @description Every event up to this one is kept.
             */
            up_to_seq: number;
        };
        DeviceAddress: {
            /** @description Web Push: the URL of the browser's `PushSubscription`, at most 1,000 bytes. */
            endpoint?: string | null;
            /** @description APNs: `production` or `sandbox`. */
            environment?: string | null;
            keys?: components["schemas"]["SubscriptionKeys"] | null;
            /** @description `fcm`, `apns` or `webpush`. */
            provider: string;
            /** @description APNs: `alert` or `background`, for urgent wake-ups. */
            style?: string | null;
            /** @description FCM: the registration token, at most 4,096 bytes; APNs: the device token, 64–200 hexadecimal digits. */
            token?: string | null;
            /** @description APNs: the app's bundle id, one of those in `/push/config`. */
            topic?: string | null;
        };
        DeviceTest: {
            /**
             * @description `accepted`, `dead`, `config`, `retry` or `gave_up`.
             * @example accepted
             */
            outcome: string;
            /**
             * Format: int32
             * @description The status of the provider's answer, if there was one.
             * @example 201
             */
            provider_status?: number | null;
            /** Format: int64 */
            took_ms: number;
        };
        EnrolmentAnswer: {
            /**
             * Format: int64
             * @description Seconds until it must be confirmed.
             * @example 600
             */
            expires_in: number;
            /**
             * @description The same, to show as a QR code.
             * @example otpauth://totp/Fluent:alice?secret=…&issuer=Fluent
             */
            otpauth_url: string;
            /** @description 20 bytes in Base32, to type into the authenticator app. */
            secret: string;
        };
        /**
         * @description What went wrong, for programs. More codes may come: go by the status when you do not know one.
         * @enum {string}
         */
        ErrorCode: "bad_json" | "bad_frame" | "unknown_type" | "unknown_user" | "name_taken" | "invalid_name" | "invalid_email" | "weak_password" | "invalid_key" | "too_large" | "not_found" | "unauthorized" | "forbidden" | "second_factor_required" | "banned" | "blocked" | "conflict" | "stale_key" | "registration_closed" | "invite_required" | "report_invalid" | "quota" | "rate_limited" | "unavailable" | "unsupported_subprotocol" | "method_not_allowed" | "unsupported_media_type" | "internal";
        /** @description What an app needs to register with FCM. */
        FcmOffer: {
            /** @description The Firebase project. */
            project_id: string;
        };
        KeyAnswer: {
            /**
             * @description The first 16 hex digits of the SHA-256 of the public key's text as it is stored.
             * @example ba7816bf8f01cfea
             */
            key_id: string;
        };
        /** @description A user has a new public key. */
        KeyChangedFrame: {
            key_id: components["schemas"]["KeyId"];
            seq: components["schemas"]["Seq"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "key_changed";
            /** @description Whose key. */
            user_id: number;
        };
        /** @description A user with the name of their key. */
        KeyedUser: {
            /** Format: int32 */
            id: number;
            /**
             * @description The first 16 hex digits of the SHA-256 of the public key's text.
             * @example ba7816bf8f01cfea
             */
            key_id: string;
            /** @description As registered. */
            public_key: string;
            user_name: string;
        };
        /** @description The first 16 hex digits of the SHA-256 of a public key's text. */
        KeyId: string;
        KeyRequest: {
            /**
             * Format: password
             * @description Needed unless this login session began within the last 10 minutes.
             */
            password?: string | null;
            /** @description Base64, at most 16 KiB. */
            public_key: string;
        };
        KeySet: {
            /** @description The key that signs, the one that will be next, and those whose tokens have not expired yet. Empty with HS256. */
            keys: components["schemas"]["PublishedKey"][];
        };
        LinkAnswer: {
            /**
             * Format: int32
             * @description Seconds until it ends.
             */
            expires_in_s: number;
            /** @description Relative to this server. */
            url: string;
        };
        LinkRequest: {
            /**
             * Format: int32
             * @description Seconds until it ends; without it, what the server says.
             */
            expires_in_s?: number | null;
        };
        LoginRequest: {
            /** Format: password */
            password: string;
            /** @example alice@example.org */
            username: string;
        };
        /** @description Names a file: 16 random bytes in base64url. */
        MediaId: string;
        /** @description A message. The shipped Android app takes the first five keys and ignores the others. */
        Message: {
            /** @description The files that it names, in the sender's order. */
            attachments?: components["schemas"]["MessageAttachment"][];
            /** @description Your name for it, when it is yours. */
            client_id?: string | null;
            /** @description The copy encrypted for the one who asks. */
            content: string;
            /** Format: int64 */
            conversation_id: number;
            /**
             * Format: date-time
             * @description From when on nobody is shown it.
             */
            expires_at?: string | null;
            /** @description What its sender has committed to. */
            franking_tag?: string | null;
            /** Format: int64 */
            id: number;
            /** @example text */
            message_type: string;
            /** Format: int32 */
            receiver_id: number;
            /**
             * Format: int64
             * @description The message that this one answers.
             */
            reply_to?: number | null;
            /** @description For `POST /reports`, when it is not yours. */
            report_token?: string | null;
            /** Format: int32 */
            sender_id: number;
            /** Format: int64 */
            seq: number;
            /**
             * Format: date-time
             * @description UTC with microseconds; strictly increasing.
             * @example 2026-11-22T15:00:00.000000Z
             */
            timestamp: string;
        };
        /** @description A file that a message names. */
        MessageAttachment: {
            /**
             * @description Where it is read.
             * @example /media/Xq2zT4m1c0-hUeJ9dR5bPA
             */
            file_url: string;
            /** @example Xq2zT4m1c0-hUeJ9dR5bPA */
            id: string;
            /**
             * Format: int64
             * @description Its size in bytes.
             */
            size: number;
        };
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
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "message";
        };
        /** @description Id of a message, the same for both sides. */
        MessageId: number;
        /** @description What the payload is to the clients. `text` is what users of the Android app can read. */
        MessageType: string;
        /** @description What clients need to register; what is not configured is absent. */
        Offers: {
            apns?: components["schemas"]["ApnsOffer"] | null;
            fcm?: components["schemas"]["FcmOffer"] | null;
            webpush?: components["schemas"]["WebPushOffer"] | null;
        };
        PasswordRequest: {
            /** @description Needed where the second factor is on: of the authenticator app, or a recovery code. */
            code?: string | null;
            /**
             * Format: password
             * @description 8–256 characters.
             */
            new_password: string;
            /** Format: password */
            old_password: string;
        };
        /** @description An error as `application/problem+json` (RFC 9457). */
        Problem: {
            /** @description `not_found`: which of the files that a message names, as its id was given. */
            attachment_id?: string | null;
            /** @description `second_factor_required`, when signing in: what to show with the code. */
            challenge?: string | null;
            code: components["schemas"]["ErrorCode"];
            /** @description What went wrong, for people. */
            detail: string;
            /**
             * Format: int64
             * @description `second_factor_required`, when signing in: seconds for which the challenge waits.
             * @example 300
             */
            expires_in?: number | null;
            /**
             * Format: int64
             * @description `conflict`: the message that the client id names.
             */
            id?: number | null;
            /** @description `stale_key`: names the receiver's present key. */
            key_id?: string | null;
            /**
             * @description `rate_limited`: which limit, by its name in `[limits]`.
             * @example login.account
             */
            limiter?: string | null;
            /**
             * @description `second_factor_required`, when signing in: what the code may be.
             * @example [
             *       "totp",
             *       "recovery"
             *     ]
             */
            methods?: components["schemas"]["SecondFactorMethod"][] | null;
            /**
             * Format: int64
             * @description `rate_limited`: milliseconds after which to try again; `banned`: until the block ends, if it does.
             */
            retry_after_ms?: number | null;
            /**
             * Format: int64
             * @description `conflict`: its `seq`.
             */
            seq?: number | null;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /**
             * Format: date-time
             * @description `conflict`: when it was stored.
             */
            timestamp?: string | null;
            /** @description The status in words. */
            title: string;
        };
        Profile: components["schemas"]["KeyedUser"] & {
            /** @description Shown to nobody else. */
            email: string;
            settings: components["schemas"]["Settings"];
        };
        ProofRequest: {
            /** @description Of the authenticator app, or a recovery code. */
            code?: string | null;
            /** Format: password */
            password: string;
        };
        /** @description A public key as it is published: a JWK (RFC 7517, RFC 8037 §2). */
        PublishedKey: {
            /**
             * @description Always `EdDSA`.
             * @example EdDSA
             */
            alg: string;
            /**
             * @description Always `Ed25519`.
             * @example Ed25519
             */
            crv: string;
            /** @description As in the header of the tokens that it verifies. */
            kid: string;
            /**
             * @description Always `OKP`.
             * @example OKP
             */
            kty: string;
            /**
             * @description Always `sig`.
             * @example sig
             */
            use: string;
            /** @description The public key, base64url. */
            x: string;
        };
        Readiness: {
            /** @description The registry and the writer run, and on PostgreSQL the relay, and none of them stands still. */
            actors: boolean;
            /** @description What was checked, each with the reason why the server cannot be used; then what is worth a warning. */
            checks: components["schemas"]["Check"][];
            /** @description A newcomer would get a place, that of an idle stranger if need be. */
            connections: boolean;
            /** @description The database answers, and what was written last could be. Its migrations are done, or the server would not run. */
            database: boolean;
            /** @description The server is going down. */
            draining: boolean;
            /** @description The server sends its clients away: its database is out of reach for it, and not for others. With NATS. */
            fenced?: boolean;
            /** @description All of the below, and the server is not going down. */
            ready: boolean;
            /**
             * @description How batches of other servers come, on PostgreSQL: by `nats`, or by `polling` the database. Readiness does not depend on it.
             * @enum {string}
             */
            relay?: "nats" | "polling";
        };
        ReadUpTo: {
            /** Format: int64 */
            partner_id: number;
            /**
             * Format: int64
             * @description The newest message that was read.
             */
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
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "receipt";
            /** @description Id of the newest message meant; 0 when there is none. */
            up_to_id: number;
            /** @description Who received or read. */
            user_id: number;
        };
        ReceiptsRequest: {
            delivered?: components["schemas"]["DeliveredUpTo"] | null;
            /** @description The device that has kept what is `delivered`, `[A-Za-z0-9_-]{1,64}`: it need not be woken for it. */
            device_id?: string | null;
            /** @description At most 256. */
            read?: components["schemas"]["ReadUpTo"][] | null;
        };
        RecoveryCodesAnswer: {
            /**
             * @description Ten codes, each good for one use. They are shown this once.
             * @example [
             *       "abcde-fgh23"
             *     ]
             */
            recovery_codes: string[];
        };
        /** @description Chosen by the client; the direct answer to its frame echoes it, as string or integer as it came. */
        Ref: string | number;
        RefreshRequest: {
            refresh_token: string;
        };
        RegisterAnswer: {
            /** @description As given. */
            email: string;
            /** Format: int32 */
            id: number;
            /** @description As given. */
            username: string;
        };
        RegisteredDevice: {
            /** Format: date-time */
            created_at: string;
            device_id: string;
            /** @description `fcm`, `apns` or `webpush`. */
            provider: string;
            /** @description `active`. */
            state: string;
        };
        RegisterRequest: {
            /**
             * @description Unique as well; nobody else is shown it.
             * @example alice@example.org
             */
            email: string;
            /**
             * @description The code of an invite, where one is needed; or the header `X-Invite-Code`. An account whose name or address the
             *     invite is made for needs none.
             * @example 7QK3-0V9M-XB2T-HJ5C
             */
            invite?: string | null;
            /**
             * Format: password
             * @description 8–256 characters, none of the 10,000 commonest passwords and not made of the name or the address. Every Unicode
             *     form of it is the same.
             */
            password: string;
            /** @description Base64 of at most 16 KiB, normally an X.509 `SubjectPublicKeyInfo`. Kept byte for byte. */
            public_key: string;
            /**
             * @description 1–254 characters, kept as given; unique without regard to case, Unicode form and look. Each character must be
             *     shown and each word be written in one script.
             * @example alice@example.org
             */
            username: string;
        };
        RegistrationAnswer: {
            /**
             * @description `open`: everybody may register; `invite`: whoever has an invite; `closed`: nobody.
             * @enum {string}
             */
            mode: "open" | "invite" | "closed";
        };
        ReportAnswer: {
            /** Format: int64 */
            id: number;
            /**
             * @description `metadata`: who has sent a message to whom, and when, is proved; `content`: what it says, too.
             * @enum {string}
             */
            level: "metadata" | "content";
        };
        ReportRequest: {
            /**
             * Format: int64
             * @description As in the message.
             */
            conversation_id: number;
            /** @description The key in the message's plaintext, with `plaintext`: 43 characters of base64url. */
            franking_key?: string | null;
            /** @description As in the message, if it is there. */
            franking_tag?: string | null;
            /**
             * Format: int64
             * @description As in the message.
             */
            message_id: number;
            /** @description For the operators, at most 1000 characters. */
            note?: string | null;
            /** @description What the message says, without the key; at most 64 KiB. */
            plaintext?: string | null;
            /**
             * @description Why you report it.
             * @enum {string}
             */
            reason: "spam" | "harassment" | "threat" | "illegal" | "other";
            /** @description As in the message. */
            report_token: string;
            /**
             * Format: int32
             * @description As in the message.
             */
            sender_id: number;
            /**
             * Format: date-time
             * @description As in the message.
             */
            timestamp: string;
        };
        /** @description `since` cannot be honoured: reload by history. */
        ResetFrame: {
            cursor: components["schemas"]["Cursor"];
            /**
             * @description `epoch`: malformed or of another store; `future`: beyond the head; `expired`: older than what the server still knows.
             * @enum {string}
             */
            reason: "epoch" | "future" | "expired";
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "reset";
        };
        RootAnswer: {
            /** @example Backend is online */
            message: string;
        };
        SecondFactor: {
            /**
             * Format: date-time
             * @description Since when.
             */
            enrolled_at?: string | null;
            /**
             * Format: int64
             * @description Recovery codes that were not used.
             */
            recovery_codes_left: number;
            /** @description Whether an authenticator app is asked for a code. */
            totp: boolean;
        };
        SecondFactorLoginRequest: {
            /** @description From the answer to the login. */
            challenge: string;
            /**
             * @description Of the authenticator app, or a recovery code.
             * @example 123456
             */
            code: string;
        };
        /**
         * @description A code of the authenticator app, or a recovery code.
         * @enum {string}
         */
        SecondFactorMethod: "totp" | "recovery";
        /** @description The fields of the frame `send`. `client_id` may be in the header Idempotency-Key. */
        SendRequest: {
            /** @description Files that the user has uploaded whole, at most `limits.attachments`; else `not_found` with `attachment_id`. */
            attachment_ids?: components["schemas"]["MediaId"][] | null;
            client_id?: components["schemas"]["ClientId"];
            /** @description The message is destroyed so many seconds after it was stored, by the server's clock. */
            expires_in_s?: number | null;
            /** @description HMAC-SHA-256 of the plaintext under a random key in it, so that the receiver can prove what it says; see `POST /reports`. */
            franking_tag?: string | null;
            message_type: components["schemas"]["MessageType"];
            receiver_encrypted: components["schemas"]["Ciphertext"];
            /** @description Key that `receiver_encrypted` was made for. When it is not the receiver's current one: `stale_key`. */
            receiver_key_id?: string | null;
            /** @description Id of the message that this one answers: one of the same conversation, gone or not; else `not_found`. */
            reply_to?: number | null;
            sender_encrypted: components["schemas"]["Ciphertext"];
            /** @description Whom to; oneself is allowed. */
            to: number;
            /**
             * @description How soon sleeping devices of the receiver are woken; `high` unless given. Not relayed, and no part of the message.
             * @enum {string|null}
             */
            urgency?: "high" | "normal" | "none" | null;
        };
        /** @description Number of an event in this user's order. It grows, with gaps; the same on all devices of the user. */
        Seq: number;
        Session: {
            /**
             * Format: date-time
             * @description When the password was given.
             */
            created_at: string;
            /** @description Whether it is the one that asks. */
            current: boolean;
            /** @description Devices that have opened a fluent.v1 socket in it. */
            device_ids: string[];
            /** Format: int64 */
            id: number;
            /**
             * Format: date-time
             * @description When its tokens were last refreshed.
             */
            last_used_at: string;
            /**
             * @description The network that it was used from last: an IPv4 /24 or an IPv6 /48.
             * @example 203.0.113.0/24
             */
            network?: string | null;
            /** @description Whether it began with a code beside the password. */
            second_factor: boolean;
        };
        /** @description Both are mutual: who does not show does not see. */
        Settings: {
            /** @description Show partners when you are online. */
            presence: boolean;
            /** @description Show partners what you have read. */
            read_receipts: boolean;
        };
        SettingsRequest: {
            presence?: boolean | null;
            read_receipts?: boolean | null;
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
        SubscriptionKeys: {
            /** @description 16 bytes in base64url. */
            auth: string;
            /** @description A point on P-256, uncompressed, in base64url. */
            p256dh: string;
        };
        SyncAnswer: {
            /**
             * @description For the next request.
             * @example k3f9:812
             */
            cursor: string;
            /** @description Frames as on the socket, in the order of `seq`. Types that you do not know may be among them. */
            events: components["schemas"]["SyncEvent"][];
            /** @description Whether there is more right now. */
            more: boolean;
        };
        /** @description A frame as on the socket. */
        SyncEvent: components["schemas"]["MessageFrame"] | components["schemas"]["ReceiptFrame"] | components["schemas"]["DeletedFrame"] | components["schemas"]["DeletedBeforeFrame"] | components["schemas"]["KeyChangedFrame"] | components["schemas"]["UserDeletedFrame"] | components["schemas"]["BlockFrame"] | components["schemas"]["ResetFrame"];
        TicketAnswer: {
            /**
             * Format: int64
             * @description Seconds.
             * @example 30
             */
            expires_in: number;
            /** @description For `?ticket=`; opens one socket. */
            ticket: string;
        };
        /**
         * Format: date-time
         * @description UTC with microseconds.
         */
        Timestamp: string;
        TokenAnswer: {
            /** @description JWT for `Authorization: Bearer` and for the socket; short-lived. */
            access_token: string;
            /** @description For the next refresh; each use gives a new one. */
            refresh_token: string;
            /**
             * @description As OAuth names it.
             * @enum {string}
             */
            token_type: "Bearer";
        };
        /** @description What everybody may know of a user. The shipped client's decoder takes no other key. */
        User: {
            /** Format: int32 */
            id: number;
            /** @description As registered. */
            public_key: string;
            user_name: string;
        };
        /** @description An account was deleted. */
        UserDeletedFrame: {
            seq: components["schemas"]["Seq"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "user_deleted";
            /** @description Whose account. */
            user_id: number;
        };
        /** @description Id of a user. */
        UserId: number;
        /** @description What an app needs to subscribe with a service of Web Push. */
        WebPushOffer: {
            /** @description The `applicationServerKey`, in base64url. */
            vapid_public_key: string;
        };
        WokenDevice: {
            /** Format: date-time */
            created_at: string;
            device_id: string;
            /**
             * Format: date-time
             * @description When the device was here last.
             */
            last_seen_at?: string | null;
            /** Format: date-time */
            last_wake_at?: string | null;
            /** @description `accepted`, `dead`, `config`, `retry` or `gave_up`. */
            last_wake_outcome?: string | null;
            /** @description `fcm`, `apns` or `webpush`. */
            provider: string;
            /** @description Why the provider refused the last wake-up. */
            reason?: string | null;
            /** @description `active`, or `suspended`: the provider has refused this device, which is tried seldom until it registers again. */
            state: string;
        };
    };
    responses: {
        /** @description The body is not JSON (`bad_json`) */
        BadBody: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Your network is blocked (`banned`) */
        Banned: {
            headers: {
                "Retry-After": components["headers"]["Retry-After"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The server has failed (`internal`) */
        Failed: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description A field or a parameter is missing or wrong (`bad_frame`) */
        Invalid: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description There is no such thing, or it is not yours (`not_found`, `unknown_user`) */
        NotFound: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too many requests (`rate_limited`): try again after `Retry-After` */
        RateLimited: {
            headers: {
                "Retry-After": components["headers"]["Retry-After"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The body is too large (`too_large`) */
        TooLarge: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description There is no valid access token (`unauthorized`) */
        Unauthorized: {
            headers: {
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Overloaded or going down (`unavailable`): try again after `Retry-After` */
        Unavailable: {
            headers: {
                "Retry-After": components["headers"]["Retry-After"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The body is not sent as JSON, or compressed (`unsupported_media_type`) */
        UnsupportedMediaType: {
            headers: {
                Accept: components["headers"]["Accept"];
                "Accept-Encoding": components["headers"]["Accept-Encoding"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description What a body must be sent as, when that was wrong. */
        Accept: string;
        /** @description What a body may be coded as, when that was wrong. */
        "Accept-Encoding": string;
        /** @description Whole seconds after which to try again. */
        "Retry-After": number;
        /** @description `Bearer`. */
        "WWW-Authenticate": string;
        /** @description The name of this request in the server's log. */
        "X-Request-Id": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_token_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description May be kept for 300 s */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeySet"];
                };
            };
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    get_all_users: {
        parameters: {
            query?: {
                /** @description Part of the name, whatever its case and marks; empty finds everybody, what cannot be seen nobody. */
                search?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By id */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    log_in: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description The tokens */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenAnswer"];
                };
            };
            400: components["responses"]["BadBody"];
            /** @description Unknown user or wrong password (`unauthorized`), or a code is needed (`second_factor_required`) */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: components["responses"]["Banned"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    log_in_with_code: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecondFactorLoginRequest"];
            };
        };
        responses: {
            /** @description The tokens */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenAnswer"];
                };
            };
            400: components["responses"]["BadBody"];
            /** @description The challenge or the code is wrong, used up or too old */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: components["responses"]["Banned"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    log_out: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its tokens are refused from now on */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    log_out_everywhere: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All tokens are refused from now on */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    change_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordRequest"];
            };
        };
        responses: {
            /** @description Changed: the tokens of the new session */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenAnswer"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            /** @description The old password or the code is wrong, or a code is needed (`second_factor_required`) */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            /** @description A field is missing, or the new password is too weak (`weak_password`) */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    refresh_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshRequest"];
            };
        };
        responses: {
            /** @description The tokens */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenAnswer"];
                };
            };
            400: components["responses"]["BadBody"];
            /** @description Unknown, expired or revoked */
            401: {
                headers: {
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: components["responses"]["Banned"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            500: components["responses"]["Failed"];
        };
    };
    register_account: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RegisterRequest"];
            };
        };
        responses: {
            /** @description The account is made */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegisterAnswer"];
                };
            };
            /** @description The name, another that looks like it, or the address is taken (`name_taken`), or the body is not JSON */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Nobody may register now (`registration_closed`), or the invite is missing or cannot be used (`invite_required`) */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            /** @description A field is missing (`bad_frame`) or wrong (`invalid_name`, `invalid_email`, `weak_password`, `invalid_key`) */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    get_second_factor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Whether it is on */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecondFactor"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    replace_recovery_codes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProofRequest"];
            };
        };
        responses: {
            /** @description The former codes are void */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodesAnswer"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            /** @description The password or the code is wrong, or the code is missing (`second_factor_required`) */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    begin_totp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BeginTotpRequest"];
            };
        };
        responses: {
            /** @description What to show to the authenticator app */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnrolmentAnswer"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            /** @description The password is wrong */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The second factor is on */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    remove_totp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProofRequest"];
            };
        };
        responses: {
            /** @description Off */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            /** @description The password or the code is wrong, or the code is missing (`second_factor_required`) */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    confirm_totp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfirmTotpRequest"];
            };
        };
        responses: {
            /** @description It is on: the recovery codes */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodesAnswer"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            /** @description The code is wrong */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["NotFound"];
            /** @description The second factor is on */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    list_sessions: {
        parameters: {
            query?: {
                /** @description Only those after this session: the last id of the page before. */
                after?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Oldest first */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    end_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The session's id */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its tokens are refused from now on */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            /** @description No such session, or another user's */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    create_socket_ticket: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A ticket */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TicketAnswer"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    list_messages: {
        parameters: {
            query: {
                /**
                 * @description Only messages older than this: the `timestamp` of the last one of the page before. With fewer than six decimals
                 *     it means the end of its unit.
                 */
                before?: string;
                /** @description Instead of `before`: only messages before the one with this id, wherever that is. */
                before_id?: number;
                limit?: number;
                /** @description The partner's id. */
                partnerID: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Newest first */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            404: components["responses"]["NotFound"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    list_chats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Newest first */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatListEntry"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    list_conversations: {
        parameters: {
            query?: {
                /** @description Only conversations with a `seq` below this: the `seq` of the last one of the page before. */
                before?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Newest first */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversation"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    send_message: {
        parameters: {
            query?: never;
            header?: {
                /** @description Instead of client_id: the same text, bare or as a quoted string (RFC 8941) */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SendRequest"];
            };
        };
        responses: {
            /** @description An earlier try has stored it */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StoredFrame"];
                };
            };
            /** @description Stored */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StoredFrame"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            /** @description One of you has blocked the other (`blocked`), or you have as many messages here as you may (`quota`) */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No such user, no such message to answer, or no such file of yours */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The client id names another message, or the receiver has a new key */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    delete_message: {
        parameters: {
            query: {
                /** @description The sides for which it is deleted. */
                for: components["schemas"]["DeleteFor"];
            };
            header?: never;
            path: {
                /** @description The message's id */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedFrame"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description Not yours, or too late */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["NotFound"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    get_partner: {
        parameters: {
            query: {
                /** @description The partner's id. */
                partnerID: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyedUser"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            404: components["responses"]["NotFound"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    send_receipts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReceiptsRequest"];
            };
        };
        responses: {
            /** @description Noted */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    sync_events: {
        parameters: {
            query?: {
                /** @description The device that asks, `[A-Za-z0-9_-]{1,64}`: it has everything up to `since`, and need not be woken for it. */
                device_id?: string;
                limit?: number;
                /** @description A cursor; without one there are no events, only the newest cursor. An empty one is none, and refused. */
                since?: string;
                /** @description The `w` of the wake-up because of which it asks. */
                wake?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events, and the cursor behind them */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncAnswer"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    open_socket: {
        parameters: {
            query?: {
                /** @description fluent.v1: what the device calls itself, `[A-Za-z0-9_-]{1,64}`; a new socket of the same device replaces the old one. */
                device_id?: string;
                mode?: "background";
                /** @description fluent.v1: the cursor to go on from; an empty one is refused. */
                since?: string;
                /** @description A ticket of `POST /auth/ws_ticket`: opens one socket. */
                ticket?: string;
                /** @description An access token, for clients that cannot set a header. */
                token?: string;
                /** @description fluent.v1: the `w` of the wake-up because of which the device opens the socket. */
                wake?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The socket is open */
            101: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No valid handshake, or a parameter is wrong */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            /** @description Not a handshake */
            426: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many handshakes of your network or your account */
            429: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            500: components["responses"]["Failed"];
            /** @description Going down, overloaded, or cut off from its database */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    check_liveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It answers */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alive"];
                };
            };
            403: components["responses"]["Banned"];
            500: components["responses"]["Failed"];
        };
    };
    declare_file: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same within 24 hours is the same file */
                "Idempotency-Key"?: string | null;
                /** @description Of a whole file: its SHA-256 (RFC 9530) */
                "Repr-Digest"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Declaration"];
                "application/octet-stream": number[];
                "application/offset+octet-stream": number[];
            };
        };
        responses: {
            /** @description An earlier request with this key has declared it */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeclaredFile"];
                };
            };
            /** @description Declared; `Location` is where its bytes go */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeclaredFile"];
                };
            };
            /** @description A header is missing or wrong */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthorized"];
            /** @description You have as many files, bytes or unfinished uploads as you may (`quota`) */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description This server takes no files */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body came too slowly; what has come is kept */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The key names a file of another size */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another version of tus */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Larger than `Tus-Max-Size` */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description None of these types */
            415: {
                headers: {
                    Accept: components["headers"]["Accept"];
                    "Accept-Encoding": components["headers"]["Accept-Encoding"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The size is 0 or no number, or the digest is wrong */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            /** @description Too many transfers just now */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No room for more files just now */
            507: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_file: {
        parameters: {
            query?: {
                /** @description The token of a link, in place of the access token. */
                l?: string;
            };
            header?: {
                /** @description The `ETag` of a file that is there already */
                "If-None-Match"?: string | null;
                /** @description The `ETag` of the file that the range is of */
                "If-Range"?: string | null;
                /** @description One range of bytes; with several, all of the file comes */
                Range?: string | null;
            };
            path: {
                /** @description The file's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": number[];
                };
            };
            /** @description The range */
            206: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": number[];
                };
            };
            /** @description It is there already */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            404: components["responses"]["NotFound"];
            /** @description The range is outside of the file */
            416: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            /** @description Too many transfers just now */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description Kept */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Fewer bytes than were declared */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            404: components["responses"]["NotFound"];
            /** @description The body came too slowly; what has come is kept */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Some bytes have come already, or all */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description More bytes than were declared */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            415: components["responses"]["UnsupportedMediaType"];
            /** @description The digest is not the one declared; nothing is kept */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another request is writing and did not stop in time */
            423: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            /** @description Too many transfers just now */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No room on the disk; what has come is kept */
            507: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    override_method: {
        parameters: {
            query?: never;
            header?: {
                /** @description Must be `PATCH` or `DELETE` */
                "X-HTTP-Method-Override"?: string | null;
            };
            path: {
                /** @description The file's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/offset+octet-stream": number[];
            };
        };
        responses: {
            /** @description As of PATCH and DELETE, and so are all other responses */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            404: components["responses"]["NotFound"];
            /** @description Without the header */
            405: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another version of tus, or none */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    delete_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Gone at once; the bytes within a minute */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            /** @description A message names it: delete the message */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["NotFound"];
            /** @description Another version of tus */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    append_to_file: {
        parameters: {
            query?: never;
            header?: {
                /** @description Must be `1.0.0` */
                "Tus-Resumable"?: string | null;
                /** @description `sha256` or `sha1`, and the checksum in base64 */
                "Upload-Checksum"?: string | null;
                /** @description Must be there: how many bytes have come */
                "Upload-Offset"?: number | null;
            };
            path: {
                /** @description The file's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/offset+octet-stream": number[];
            };
        };
        responses: {
            /** @description Kept; `Upload-Offset` says how much there is now */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A header is missing or wrong */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            404: components["responses"]["NotFound"];
            /** @description The body came too slowly; what has come is kept */
            408: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The upload goes on at another offset, or a newer request has taken over */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another version of tus, or none */
            412: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description More bytes than are missing */
            413: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another type */
            415: {
                headers: {
                    Accept: components["headers"]["Accept"];
                    "Accept-Encoding": components["headers"]["Accept-Encoding"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The digest of the whole file is not the one declared; nothing of it is kept */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another request is writing and did not stop in time */
            423: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["RateLimited"];
            /** @description The checksum is wrong; nothing of the part is kept */
            460: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            500: components["responses"]["Failed"];
            /** @description Too many transfers just now */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description No room on the disk; what has come is kept */
            507: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    link_file: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The file's id */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkRequest"];
            };
        };
        responses: {
            /** @description The link */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkAnswer"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    get_push_config: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the server offers */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Offers"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    list_devices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Those that registered first before the others */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WokenDevice"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    register_device: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description What the device calls itself, as for its socket */
                device_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeviceAddress"];
            };
        };
        responses: {
            /** @description Its address is replaced */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegisteredDevice"];
                };
            };
            /** @description A new device */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegisteredDevice"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            /** @description The session has just ended */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    remove_device: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description What the device calls itself */
                device_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is not registered, or no longer */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    test_device: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description What the device calls itself */
                device_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceTest"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            /** @description The device is not registered */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    check_readiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can be used */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            403: components["responses"]["Banned"];
            500: components["responses"]["Failed"];
            /** @description It cannot be used now */
            503: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    get_registration: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who may register */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegistrationAnswer"];
                };
            };
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    report_message: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReportRequest"];
            };
        };
        responses: {
            /** @description You have reported it before */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReportAnswer"];
                };
            };
            /** @description Reported */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReportAnswer"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            /** @description A field is missing or wrong (`bad_frame`), or something is not proved, too old, or of a user who is gone (`report_invalid`) */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    get_greeting: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The greeting */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RootAnswer"];
                };
            };
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    get_users: {
        parameters: {
            query: {
                /**
                 * @description Up to 100 ids, separated by commas.
                 * @example [
                 *       1,
                 *       2
                 *     ]
                 */
                ids: number[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By id */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyedUser"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    block_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user's id */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Blocked */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            404: components["responses"]["NotFound"];
            /** @description That is you */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    unblock_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user's id */
                id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No longer blocked */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            404: components["responses"]["NotFound"];
            /** @description That is you */
            422: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    list_blocked_users: {
        parameters: {
            query?: {
                /** @description The last `id` of the page before. */
                after?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By id */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyedUser"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    get_profile: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Your account */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Profile"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    delete_account: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeleteRequest"];
            };
        };
        responses: {
            /** @description Gone */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            /** @description The password or the code is wrong, or a code is needed (`second_factor_required`) */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    set_public_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyRequest"];
            };
        };
        responses: {
            /** @description The name of the key that holds now */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyAnswer"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            /** @description The password is needed, or wrong */
            403: {
                headers: {
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    change_settings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingsRequest"];
            };
        };
        responses: {
            /** @description All settings as they are now */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
    search_users: {
        parameters: {
            query?: {
                /** @description The last `id` of the page before. */
                after?: number;
                limit?: number;
                /**
                 * @description Part of the name, whatever its case and marks; empty finds everybody, what cannot be seen nobody. `%` and `_` mean
                 *     themselves.
                 */
                query?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description By id */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Banned"];
            422: components["responses"]["Invalid"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["Failed"];
            503: components["responses"]["Unavailable"];
        };
    };
}
