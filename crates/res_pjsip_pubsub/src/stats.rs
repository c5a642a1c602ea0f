//! Counters of subscriptions, shown by `pjsip show stats`.

res_pjsip::counters! {
    /// Counters of the subscriptions of one shard.
    PubSubStats,
    /// Live subscriptions.
    active => "Subscriptions",
    /// Subscriptions made.
    created => "Subscriptions created",
    /// States fetched by a SUBSCRIBE with Expires 0.
    fetched => "States fetched",
    /// Refreshes.
    refreshed => "Subscriptions refreshed",
    /// Ended by the phone.
    unsubscribed => "Subscriptions ended by the phone",
    /// Ended by time.
    expired => "Subscriptions expired",
    /// Ended because a NOTIFY failed.
    ended_by_answer => "Subscriptions ended by a failed NOTIFY",
    /// Ended because the resource is gone.
    ended_with_resource => "Subscriptions ended with their resource",
    /// Ended by a new configuration.
    ended_by_reload => "Subscriptions ended by a reload",
    /// Ended while there was no way to tell the phone.
    ended_unreachable => "Subscriptions ended unreachable",
    /// Times that a subscription had no way to its phone and waited for one.
    flows_lost => "Subscriptions without a connection",
    /// Times that a phone registered again and its subscriptions went on.
    flows_found => "Subscriptions that followed a phone",
    /// SUBSCRIBE requests refused.
    refused => "SUBSCRIBE requests refused",
    /// NOTIFY requests sent.
    notifies => "NOTIFY requests sent",
    /// NOTIFY requests answered 2xx.
    notifies_accepted => "NOTIFY requests accepted",
    /// NOTIFY requests answered otherwise or not at all.
    notifies_failed => "NOTIFY requests failed",
    /// NOTIFY requests sent again to another address of the same name.
    failed_over => "NOTIFY requests sent to another address",
    /// Bodies that no module could make.
    bodies_failed => "Bodies that could not be made",
}
