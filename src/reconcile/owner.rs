//! Whose an AWS object is: read from the tags of the object itself, never from anything propagated.

use sha2::{Digest, Sha256};

use kube::ResourceExt;

use super::{
    Settings, Verdict,
    tags::{self, Tags},
};
use crate::{
    api::{AdoptionPolicy, CommonStatus, Managed, ManagementPolicy, Origin, Reason, tags as own},
    ecs::shapes::Tag,
    runtime::objects::Object,
};

/// ECS takes no longer tag value.
const LONGEST_TAG_VALUE: usize = 256;

/// The value of the owner tag: which installation's which object manages an AWS object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// `<installation>/<Kind>/<namespace>/<name>`, hashed where that is longer than a tag value may be.
    pub fn new(installation: &str, kind: &str, namespace: &str, name: &str) -> Self {
        let full = format!("{installation}/{kind}/{namespace}/{name}");
        if full.len() <= LONGEST_TAG_VALUE {
            return Self(full);
        }
        Self(format!("{installation}/{kind}/sha256:{}", hex::encode(&Sha256::digest(full.as_bytes())[..16])))
    }

    /// The tag's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Owner {
    /// What to do where an object of another installation is this one's from before its cluster was rebuilt.
    fn if_rebuilt(&self, other: &str) -> String {
        let installation = |of: &str| of.split('/').next().unwrap_or_default().to_owned();
        if installation(other) == installation(&self.0) {
            return String::new();
        }
        let id = installation(other);
        format!(
            "if that is this object in a cluster that was rebuilt, run the operator with --installation-id '{id}'; "
        )
    }
}

/// Whose a live object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Ours.
    Ours(Origin),
    /// Nobody's that we know.
    Unowned,
    /// Another object's, or another installation's.
    Other(String),
}

impl Claim {
    /// How it became ours, if it is.
    pub fn origin(&self) -> Option<Origin> {
        match self {
            Self::Ours(origin) => Some(*origin),
            Self::Unowned | Self::Other(_) => None,
        }
    }

    /// Reads the owner and origin tags.
    /// Where the origin tag is lost, `origin` (the status) tells, and else it counts as adopted: nothing is deleted on
    /// a guess.
    pub fn read(tags: &Tags, owner: &Owner, origin: Option<Origin>) -> Self {
        match tags.get(own::OWNER) {
            None => Self::Unowned,
            Some(value) if value == owner.as_str() => Self::Ours(
                tags.get(own::ORIGIN).and_then(|origin| Origin::from_tag(origin)).or(origin).unwrap_or(Origin::Adopted),
            ),
            Some(value) => Self::Other(value.clone()),
        }
    }

    /// May the object be managed, and as what? A refusal is a conflict that the user must settle.
    fn settle(&self, policy: AdoptionPolicy, what: &str, owner: &Owner) -> Result<Origin, (Reason, String)> {
        match (self, policy) {
            (Self::Ours(origin), _) => Ok(*origin),
            (_, AdoptionPolicy::IfExists) => Ok(Origin::Adopted),
            (Self::Unowned, AdoptionPolicy::Never) => Err((
                Reason::AlreadyExists,
                format!(
                    "{what} exists in ECS and is not managed by this object; set spec.adoptionPolicy to IfExists to take it \
                     over, or choose another name"
                ),
            )),
            (Self::Other(other), AdoptionPolicy::Never) => Err((
                Reason::OwnedByOther,
                format!(
                    "{what} is managed by '{other}', not by '{}'; {}to take it over, set spec.adoptionPolicy to IfExists",
                    owner.as_str(),
                    owner.if_rebuilt(other),
                ),
            )),
        }
    }
}

/// What to do where an object was taken from one of ours.
const TAKEN: &str = "as it was taken from this object, that object or its tag ecs-operator.dev/owner has to go first, or this \
                     object has to be deleted and made anew";

/// What an object has to do with the AWS object of its name.
#[derive(Clone, Debug)]
pub struct Stake {
    owner: Owner,
    adoption: AdoptionPolicy,
    observes: bool,
    user_tags: Option<Vec<Tag>>,
    origin: Option<Origin>,
    is_bound: bool,
}

impl Stake {
    /// The stake of `object`.
    pub fn of<K: Object + Managed>(
        object: &K,
        user_tags: Option<&Vec<Tag>>,
        status: &CommonStatus,
        settings: &Settings,
    ) -> Self {
        let namespace = object.namespace().unwrap_or_default();
        let policies = object.policies();
        Self {
            owner: Owner::new(&settings.installation, &K::kind(&()), &namespace, &object.name_any()),
            adoption: policies.adoption,
            observes: policies.management == ManagementPolicy::Observe,
            user_tags: user_tags.cloned(),
            origin: status.origin,
            is_bound: status.account_id.is_some(),
        }
    }

    /// Whose an AWS object with these tags is.
    pub fn claim(&self, tags: &Tags) -> Claim {
        Claim::read(tags, &self.owner, self.origin)
    }

    /// Whether the status speaks of an AWS object with these tags: it is ours, or we only look.
    pub fn concerns(&self, tags: &Tags) -> bool {
        self.observes || matches!(self.claim(tags), Claim::Ours(_))
    }

    /// May the object be managed, and as what? Who only looks is never in a conflict.
    pub fn settle(&self, claim: &Claim, what: &str) -> Result<Origin, Verdict> {
        // What was ours and is another's now was taken from us: taking it back would begin a tug-of-war.
        let taken = self.is_bound && matches!(claim, Claim::Other(_));
        let policy = match self.adoption {
            _ if self.observes => AdoptionPolicy::IfExists,
            _ if taken => AdoptionPolicy::Never,
            policy => policy,
        };
        claim.settle(policy, what, &self.owner).map_err(|(reason, message)| {
            let message = if taken { format!("{message}; {TAKEN}") } else { message };
            Verdict::stalled(reason, message)
        })
    }

    /// The user's tags and ours; who only looks puts none of its own anywhere.
    pub fn wanted_tags(&self, origin: Origin) -> Tags {
        let mut all = tags::of_user(self.user_tags.as_deref());
        if !self.observes {
            all.insert(own::OWNER.into(), self.owner.as_str().into());
            all.insert(own::ORIGIN.into(), origin.tag().into());
        }
        all
    }

    /// Whether nothing is to be changed.
    pub fn observes(&self) -> bool {
        self.observes
    }

    /// The user's tags as `status.appliedFields` remembers them.
    pub fn applied_tags(&self) -> impl Iterator<Item = String> {
        self.user_tags.iter().flatten().map(|tag| tags::applied_path(&tag.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_owner_is_hashed_and_fits() {
        let owner = Owner::new("0d5f", "EcsService", "shop", &"x".repeat(253));
        assert!(owner.as_str().len() <= LONGEST_TAG_VALUE, "{}", owner.as_str());
        assert!(owner.as_str().starts_with("0d5f/EcsService/sha256:"));
        assert_ne!(owner, Owner::new("0d5f", "EcsService", "shop", &"y".repeat(253)));
    }

    /// A tag that somebody took away must not turn an adopted cluster into one that is deleted with its object.
    #[test]
    fn a_lost_origin_counts_as_what_the_status_says_or_as_adopted() {
        let owner = Owner::new("a", "EcsService", "shop", "web");
        let tags = Tags::from([(own::OWNER.to_owned(), owner.as_str().to_owned())]);
        assert_eq!(Claim::read(&tags, &owner, None), Claim::Ours(Origin::Adopted));
        assert_eq!(Claim::read(&tags, &owner, Some(Origin::Created)), Claim::Ours(Origin::Created));
    }

    /// Two clusters with the same manifests must never take each other's services.
    #[test]
    fn another_installation_is_a_conflict() {
        let owner = Owner::new("a", "EcsService", "shop", "web");
        let other = Owner::new("b", "EcsService", "shop", "web");
        let tags = Tags::from([(own::OWNER.to_owned(), other.as_str().to_owned())]);
        let claim = Claim::read(&tags, &owner, None);
        let (reason, message) = claim.settle(AdoptionPolicy::Never, "service web", &owner).unwrap_err();
        assert_eq!(reason, Reason::OwnedByOther);
        assert!(message.contains("--installation-id 'b'"), "{message}");
        assert_eq!(claim.settle(AdoptionPolicy::IfExists, "service web", &owner), Ok(Origin::Adopted));
    }
}
