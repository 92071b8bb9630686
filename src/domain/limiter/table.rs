//! The table of limiters, once: the names, what each counts by, and what a refusal says. The settings are made of it,
//! too, so a row cannot lack its setting; `config/default.toml` has the numbers.

/// Calls a macro with the table. A row reads `name: Variant, unit, key, "text of a refusal"`, in the group that its
/// full name begins with; `caps` have settings of their own elsewhere.
macro_rules! limiter_table {
    ($with:ident) => {
        $with! {
            buckets {
                handshake {
                    address: HandshakeAddress, Rate, Class, "too many handshakes from your network";
                    user: HandshakeUser, Rate, User, "too many handshakes of this account";
                }
                register {
                    address: RegisterAddress, Rate, Class, "too many registrations from your network";
                    server: RegisterServer, Rate, Server, "too many registrations at this server";
                }
                login {
                    address: LoginAddress, Rate, Class, "too many logins from your network";
                    address_v6: LoginAddressV6, Rate, Class, "too many logins from your network";
                    account: LoginAccount, Rate, Name, "too many logins with this name";
                    known: LoginKnown, Rate, Known, "too many logins with this name";
                }
                second_factor {
                    account: SecondFactorAccount, Rate, User, "too many codes for this account";
                }
                password {
                    user: PasswordUser, Rate, User, "too many passwords tried for this account";
                }
                refresh {
                    chain: RefreshChain, Rate, Login, "too many refreshes of this login";
                    invalid: RefreshInvalid, Rate, Class, "too many invalid refresh tokens from your network";
                }
                search {
                    user: SearchUser, Rate, User, "too many searches";
                    anonymous: SearchAnonymous, Rate, Class, "too many searches from your network";
                }
                directory {
                    user: DirectoryUser, Rate, User, "too many users looked up";
                    anonymous: DirectoryAnonymous, Rate, Class, "too many users looked up from your network";
                }
                send {
                    pair: SendPair, Rate, Pair, "too many messages to this receiver";
                    user: SendUser, Rate, User, "too many messages";
                }
                contact {
                    user: ContactUser, Rate, User, "too many new conversations";
                }
                inbound {
                    partners: InboundPartners, Bytes, User, "the receiver gets too much just now";
                    strangers: InboundStrangers, Bytes, User, "the receiver gets too much just now";
                }
                event {
                    user: EventUser, Rate, User, "too many receipts, deletions or presence requests";
                }
                typing {
                    pair: TypingPair, Rate, Pair, "too many typing notices";
                }
                frames {
                    socket: FramesSocket, Rate, Socket, "too many frames";
                }
                key {
                    user: KeyUser, Rate, User, "too many changes of the public key";
                }
                settings {
                    user: SettingsUser, Rate, User, "too many changes of settings";
                }
                block {
                    user: BlockUser, Rate, User, "too many blocks";
                }
                receipt {
                    pair: ReceiptPair, Rate, Pair, "too many receipts";
                }
                rest {
                    user: RestUser, Rate, User, "too many requests of this account";
                    address: RestAddress, Rate, Class, "too many requests from your network";
                }
                report {
                    user: ReportUser, Rate, User, "too many reports";
                }
                media {
                    count: MediaCount, Rate, User, "too many uploads";
                    bytes: MediaBytes, Bytes, User, "too many bytes uploaded";
                    link: MediaLink, Rate, User, "too many links to files";
                }
                invite {
                    address: InviteAddress, Rate, Class, "too many wrong invites from your network";
                }
                ticket {
                    user: TicketUser, Rate, User, "too many socket tickets";
                }
                push {
                    register: PushRegister, Rate, User, "too many registrations of devices";
                    test: PushTest, Rate, User, "too many tests of devices";
                }
                admin {
                    token: AdminToken, Rate, Class, "too many wrong admin tokens from your network";
                }
            }
            caps {
                "connections.address": ConnectionsAddress, Class, "too many connections from your network";
                "sockets.user": SocketsUser, User, "too many sockets";
                "media.transfers": MediaTransfers, User, "too many files are being sent or received at once";
                "quota.send": QuotaSend, User, "you have sent as much as you may for now";
            }
        }
    };
}
pub(crate) use limiter_table;
