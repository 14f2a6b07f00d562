//! Tokens, codes and the grants that they stem from, as plain state on a clock that is passed in.
//!
//! A *family* is one grant: somebody's consent, or a client's own, with every token that was ever issued on it.
//! Nothing of a family that was revoked is good again, whatever becomes of its tokens. Knows nothing of HTTP,
//! profiles or errors: it is told what happens, and tells what is good.

use super::bounded::Bounded;
use super::client::ClientId;
use super::pkce::Challenge;
use super::scope::Scope;
use counterpart_exchange::OperationName;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// A family, by the number under which it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FamilyId(u64);

impl FamilyId {
    fn name(self) -> String {
        self.0.to_string()
    }
}

/// A grant.
#[derive(Clone, Debug, Default)]
pub(super) struct Family {
    /// To whom; to anybody, where it began with the recording.
    pub(super) client: Option<ClientId>,
    /// What was granted; everything, where nothing is said.
    pub(super) scope: Option<Scope>,
    /// What was taken away again.
    taken: Scope,
    /// Operations that were taken away for want of a scope's name.
    denied: BTreeSet<OperationName>,
    is_revoked: bool,
}

impl Family {
    pub(super) fn of(client: ClientId, scope: Option<Scope>) -> Self {
        Self { client: Some(client), scope, ..Self::default() }
    }

    /// What is left of what was granted.
    pub(super) fn scope_left(&self) -> Option<Scope> {
        self.scope.as_ref().map(|scope| scope.without(&self.taken))
    }
}

/// Which status tells that a token has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpiryTold {
    /// 401, as RFC 6750 section 3.1 has it.
    Unauthorized,
    /// 403, as some providers have it.
    Forbidden,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Good { until: Option<Timestamp> },
    Expired(ExpiryTold),
}

impl Life {
    fn is_over(self, now: Timestamp) -> bool {
        match self {
            Self::Good { until } => until.is_some_and(|until| until <= now),
            Self::Expired(_) => true,
        }
    }
}

#[derive(Clone, Debug)]
struct Access {
    family: FamilyId,
    /// What it opens of the family's scope; all of it, where nothing is said.
    scope: Option<Scope>,
    life: Life,
    is_revoked: bool,
}

#[derive(Clone, Debug)]
struct RefreshToken {
    family: FamilyId,
    use_left: UseLeft,
    until: Option<Timestamp>,
    /// The one that was used up for it.
    replaces: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UseLeft {
    Good,
    UsedUp,
    Revoked,
}

/// An authorization code.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// For whom; for anybody, where it was recorded.
    pub(super) client: Option<ClientId>,
    /// The redirect URI of the request that got it, if it named one.
    pub(super) redirect_uri: RedirectUri,
    pub(super) challenge: Challenge,
    pub(super) scope: Option<Scope>,
    pub(super) until: Option<Timestamp>,
    /// What was issued for it, once it was redeemed.
    pub(super) redeemed: Option<FamilyId>,
}

/// What the redirect URI of a token request must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RedirectUri {
    /// The same as in the authorization request (RFC 6749 section 4.1.3).
    Same(String),
    /// It was not named then, so it need not be now.
    NotNamed,
    /// Nobody knows: the code was recorded.
    Unjudged,
}

/// What an access token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    Expired(ExpiryTold),
    Revoked,
    Unknown,
}

/// What a refresh token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefreshStanding {
    Good(FamilyId),
    Expired,
    /// It was exchanged for another one.
    UsedUp(FamilyId),
    Revoked,
    Unknown,
}

/// Everything that was issued.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    families: Bounded<Family>,
    access: Bounded<Access>,
    refresh: Bounded<RefreshToken>,
    codes: Bounded<Code>,
    begun: u64,
}

impl Store {
    pub(super) fn begin(&mut self, family: Family) -> FamilyId {
        self.begun += 1;
        let id = FamilyId(self.begun);
        self.families.insert(id.name(), family, |family| family.is_revoked);
        id
    }

    /// A family that is neither revoked nor forgotten.
    pub(super) fn family(&self, id: FamilyId) -> Option<&Family> {
        self.families.get(&id.name()).filter(|family| !family.is_revoked)
    }

    pub(super) fn issue_access(
        &mut self,
        token: String,
        family: FamilyId,
        scope: Option<Scope>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) {
        let access = Access { family, scope, life: Life::Good { until }, is_revoked: false };
        let families = &self.families;
        self.access.insert(token, access, |one| {
            one.is_revoked || one.life.is_over(now) || is_gone(families, one.family)
        });
    }

    /// A new refresh token, in the place of one that is then used up.
    pub(super) fn issue_refresh(
        &mut self,
        token: String,
        family: FamilyId,
        replaces: Option<String>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) {
        if let Some(old) = replaces.as_ref().and_then(|old| self.refresh.get_mut(old)) {
            old.use_left = UseLeft::UsedUp;
        }
        let issued = RefreshToken { family, use_left: UseLeft::Good, until, replaces };
        let families = &self.families;
        self.refresh.insert(token, issued, |one| {
            one.use_left != UseLeft::Good
                || one.until.is_some_and(|until| until <= now)
                || is_gone(families, one.family)
        });
    }

    pub(super) fn issue_code(&mut self, code: String, issued: Code, now: Timestamp) {
        self.codes.insert(code, issued, |one| {
            one.redeemed.is_some() || one.until.is_some_and(|until| until <= now)
        });
    }

    pub(super) fn code(&self, code: &str) -> Option<&Code> {
        self.codes.get(code)
    }

    pub(super) fn redeem(&mut self, code: &str, family: FamilyId) {
        if let Some(code) = self.codes.get_mut(code) {
            code.redeemed = Some(family);
        }
    }

    pub(super) fn is_known(&self, token: &str) -> bool {
        self.access.contains(token) || self.refresh.contains(token) || self.codes.contains(token)
    }

    pub(super) fn standing(&self, token: &str, now: Timestamp) -> Standing {
        match self.access.get(token) {
            None => Standing::Unknown,
            Some(access) if access.is_revoked || self.family(access.family).is_none() => Standing::Revoked,
            Some(Access { life: Life::Expired(told), .. }) => Standing::Expired(*told),
            Some(access) if access.life.is_over(now) => Standing::Expired(ExpiryTold::Unauthorized),
            Some(_) => Standing::Good,
        }
    }

    pub(super) fn refresh_standing(&self, token: &str, now: Timestamp) -> RefreshStanding {
        let Some(refresh) = self.refresh.get(token) else { return RefreshStanding::Unknown };
        if self.family(refresh.family).is_none() {
            return RefreshStanding::Revoked;
        }
        match refresh.use_left {
            UseLeft::Revoked => RefreshStanding::Revoked,
            UseLeft::UsedUp => RefreshStanding::UsedUp(refresh.family),
            UseLeft::Good if refresh.until.is_some_and(|until| until <= now) => RefreshStanding::Expired,
            UseLeft::Good => RefreshStanding::Good(refresh.family),
        }
    }

    /// Whether a token opens an operation that needs these scopes. Asked of good tokens alone.
    pub(super) fn opens(&self, token: &str, operation: &OperationName, needed: &[String]) -> bool {
        let Some(access) = self.access.get(token) else { return false };
        let Some(family) = self.family(access.family) else { return false };
        let is_in = |scope: &Option<Scope>, one: &str| scope.as_ref().is_none_or(|all| all.contains(one));
        !family.denied.contains(operation)
            && needed.iter().all(|one| {
                is_in(&access.scope, one) && is_in(&family.scope, one) && !family.taken.contains(one)
            })
    }

    /// The family of an access or a refresh token, revoked or not.
    pub(super) fn family_of(&self, token: &str) -> Option<FamilyId> {
        let of_access = self.access.get(token).map(|access| access.family);
        of_access.or_else(|| self.refresh.get(token).map(|refresh| refresh.family))
    }

    /// To whom a token was issued, where that is known.
    pub(super) fn client_of(&self, token: &str) -> Option<&ClientId> {
        self.families.get(&self.family_of(token)?.name())?.client.as_ref()
    }

    pub(super) fn is_refresh(&self, token: &str) -> bool {
        self.refresh.contains(token)
    }

    /// Ends the life of an access token. Nothing, where it never lived.
    pub(super) fn expire(&mut self, token: &str, told: ExpiryTold) -> Option<()> {
        self.access.get_mut(token)?.life = Life::Expired(told);
        Some(())
    }

    pub(super) fn revoke_family(&mut self, id: FamilyId) {
        if let Some(family) = self.families.get_mut(&id.name()) {
            family.is_revoked = true;
        }
    }

    /// Revokes one access token; the rest of its family stays.
    pub(super) fn revoke_access(&mut self, token: &str) {
        if let Some(access) = self.access.get_mut(token) {
            access.is_revoked = true;
        }
    }

    /// Revokes one refresh token; the rest of its family stays.
    pub(super) fn revoke_refresh(&mut self, token: &str) {
        if let Some(refresh) = self.refresh.get_mut(token) {
            refresh.use_left = UseLeft::Revoked;
        }
    }

    /// Takes scopes away from the whole grant, now and for every token that is still issued on it.
    pub(super) fn take_scopes(&mut self, id: FamilyId, scopes: &[String]) {
        if let Some(family) = self.families.get_mut(&id.name()) {
            scopes.iter().for_each(|scope| family.taken.add(scope));
        }
    }

    /// Takes an operation away from the whole grant.
    pub(super) fn deny(&mut self, id: FamilyId, operation: OperationName) {
        if let Some(family) = self.families.get_mut(&id.name()) {
            family.denied.insert(operation);
        }
    }

    /// Takes back a refresh token that was not handed out in the end: the one before it stays good.
    pub(super) fn withhold(&mut self, token: &str) {
        let before = self.refresh.remove(token).and_then(|withheld| withheld.replaces);
        if let Some(before) = before.and_then(|before| self.refresh.get_mut(&before))
            && before.use_left == UseLeft::UsedUp
        {
            before.use_left = UseLeft::Good;
        }
    }

    /// Forgets tokens of either kind.
    pub(super) fn forget<'a>(&mut self, tokens: impl IntoIterator<Item = &'a String>) {
        for token in tokens {
            self.access.remove(token);
            self.refresh.remove(token);
        }
    }

    /// How many refresh tokens of a family could be used now.
    #[cfg(test)]
    pub(super) fn live_refresh_tokens<'a>(
        &self,
        among: impl Iterator<Item = &'a String>,
        family: FamilyId,
        now: Timestamp,
    ) -> usize {
        among.filter(|token| self.refresh_standing(token, now) == RefreshStanding::Good(family)).count()
    }
}

fn is_gone(families: &Bounded<Family>, id: FamilyId) -> bool {
    families.get(&id.name()).is_none_or(|family| family.is_revoked)
}
