//! What the invariants are called. A plan must know the names, and nothing of how they are judged.

/// All invariants, in the order in which they are told: name, and what it says.
pub const INVARIANTS: [(&str, &str); 10] = [
    ("applied_once", "No record is applied twice"),
    ("nothing_lost", "Every record is applied, or held and told"),
    ("loud", "Each failure is logged, and somebody is told of what is held"),
    ("recovers", "The integration recovers without a person"),
    ("validated", "What is written is as good records are"),
    ("polite", "Waits are honoured, and nothing is hammered"),
    ("least_privilege", "No permission is held that is not needed"),
    ("audited", "Every transaction is in the audit trail"),
    ("tenants_apart", "No tenant sees another's data"),
    ("no_secret", "No credential turns up in what people read"),
];
