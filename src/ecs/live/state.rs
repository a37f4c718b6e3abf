//! What Live holds: plain data behind its lock, no calls.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    Cadence, Group, Key, Pace, Seen, Target, Waiter,
    pending::{Asked, Call, Pending},
    read::{identity, is_before},
};

/// How long a name whose own call failed is asked for singly, unless that call succeeds before.
const APART: Duration = Duration::from_secs(3600);
/// Once in how many quiet sweeps slow objects are looked at.
const SLOW: u32 = 10;
/// How long after a write ECS may still answer from before it.
pub(super) const STALE: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct State {
    /// In order, so that the same history makes the same calls.
    groups: BTreeMap<Group, Members>,
}

#[derive(Default)]
struct Members {
    held: BTreeMap<Arc<str>, Held>,
    pending: Pending,
    apart: BTreeMap<Arc<str>, Instant>,
    /// How many calls are under way.
    under_way: usize,
    /// How many quiet objects may be looked at by now, and how many slow ones.
    credit: [f64; 2],
}

struct Held {
    value: Option<Arc<str>>,
    /// When the call that saw it began; `None` before the first answer.
    at: Option<Instant>,
    /// When the sweep asked last, whatever came of it: a name that fails must not starve the rest.
    tried: Instant,
    pace: Option<Pace>,
    /// The sweep has asked and has no answer yet: asking again would only lengthen the line.
    is_asked: bool,
    /// The value is the answer of a write; no read has shown it yet.
    is_answer: bool,
    /// What our writes of the last moments replaced: a read that shows one of these is from the past.
    replaced: Vec<Replaced>,
    /// Those who look at it were told that it can't be read.
    is_overdue: bool,
    /// An older observation is good for nothing.
    distrusted: Option<Instant>,
}

/// What a write of ours replaced.
struct Replaced {
    identity: u64,
    at: Instant,
}

/// How long an observation that nobody keeps is held.
const UNKEPT: Duration = Duration::from_secs(600);

impl State {
    pub(super) fn peek(&self, key: &Key) -> Option<Seen> {
        self.groups.get(&key.group)?.held.get(&key.name)?.seen()
    }

    /// How old an observation of `key` may be for those who take what is held; `None` where it does not age.
    pub(super) fn oldest(&self, key: &Key, cadence: Cadence) -> Option<Instant> {
        let held = self.groups.get(&key.group)?.held.get(&key.name)?;
        if held.pace == Some(Pace::Fixed) {
            return None;
        }
        Instant::now().checked_sub(held.oldest(cadence)).max(held.distrusted)
    }

    pub(super) fn ask(&mut self, key: &Key, waiter: Waiter) -> Asked {
        let members = self.groups.entry(key.group.clone()).or_default();
        let is_first = members.pending.is_empty();
        members.pending.add(&key.name, waiter);
        if members.pending.len() == key.group.target.batch() {
            Asked::Full(members.take_pending(key.group.target))
        } else if is_first {
            Asked::First { number: members.pending.number(), is_busy: members.under_way > 0 }
        } else {
            Asked::Joined
        }
    }

    /// A call begins.
    pub(super) fn began(&mut self, group: &Group) {
        self.groups.entry(group.clone()).or_default().under_way += 1;
    }

    /// A call has ended, one way or another.
    pub(super) fn ended<'a>(&mut self, group: &Group, names: impl Iterator<Item = &'a Arc<str>>) {
        let Some(members) = self.groups.get_mut(group) else { return };
        members.under_way = members.under_way.saturating_sub(1);
        for name in names {
            if let Some(held) = members.held.get_mut(name) {
                held.is_asked = false;
            }
        }
    }

    /// What waits in a group, cut into calls, unless it was taken before.
    pub(super) fn take_pending(&mut self, group: &Group, number: u64) -> Vec<Call> {
        let members = self.groups.get_mut(group).filter(|members| members.pending.number() == number);
        members.map(|members| members.take_pending(group.target)).unwrap_or_default()
    }

    pub(super) fn keep(&mut self, key: &Key, pace: Pace) {
        self.entry(key, Instant::now()).pace = Some(pace);
    }

    pub(super) fn distrust(&mut self, key: &Key, now: Instant) {
        self.entry(key, now).distrusted = Some(now);
    }

    pub(super) fn forget(&mut self, key: &Key) {
        if let Some(members) = self.groups.get_mut(&key.group) {
            // What ECS does not show yet may be missing in its lists, too: it is known from here alone.
            match members.held.get_mut(&key.name) {
                Some(held) if held.is_answer => (held.pace, held.distrusted) = (None, Some(Instant::now())),
                _ => drop(members.held.remove(&key.name)),
            }
            members.apart.remove(&key.name);
            if members.held.is_empty() && members.pending.is_empty() {
                self.groups.remove(&key.group);
            }
        }
    }

    /// Stores what a read showed, unless something newer is held. Tells what is held now, and whether those who keep the
    /// object have something new to look at: also that it is seen for the first time as a write of ours was answered.
    pub(super) fn store(&mut self, key: &Key, value: Option<Value>, at: Instant) -> (Seen, bool) {
        let held = self.entry(key, at);
        held.tried = held.tried.max(at);
        if let Some(newer) = held.at.filter(|held| *held > at) {
            return (held.seen_at(newer), false);
        }
        let before = held.at.replace(at);
        if held.is_from_the_past(key.group.target, value.as_ref(), at) {
            return (held.seen_at(at), false);
        }
        let text = value.map(|value| Arc::<str>::from(value.to_string()));
        let news = held.value != text || held.is_answer || held.is_overdue;
        if held.value != text {
            held.value = text;
        }
        (held.is_answer, held.is_overdue) = (false, false);
        (held.seen_at(at), news && before.is_some() && held.pace.is_some())
    }

    /// Stores the answer of a write.
    pub(super) fn absorb(&mut self, key: &Key, value: &Value, now: Instant) {
        let held = self.entry(key, now);
        // Also where nothing was seen yet: what was made just now may still be missing in ECS's answers.
        let before = held.json();
        let target = key.group.target;
        held.replaced.retain(|replaced| now - replaced.at < STALE);
        held.replaced.push(Replaced { identity: identity(target, before.as_ref()), at: now });
        held.value = Some(value.to_string().into());
        (held.at, held.is_answer) = (Some(now), true);
    }

    /// Those of `names` that are kept and could not be read for too long, each once until it is read again.
    pub(super) fn overdue<'a>(
        &mut self,
        group: &Group,
        names: impl Iterator<Item = &'a Arc<str>>,
        cadence: Cadence,
    ) -> Vec<Key> {
        let Some(members) = self.groups.get_mut(group) else { return Vec::new() };
        let mut found = Vec::new();
        for name in names {
            if let Some(held) = members.held.get_mut(name)
                && held.pace.is_some()
                && !held.is_overdue
                && held.at.is_some_and(|at| at.elapsed() > held.oldest(cadence))
            {
                held.is_overdue = true;
                found.push(Key { group: group.clone(), name: name.clone() });
            }
        }
        found
    }

    fn entry(&mut self, key: &Key, now: Instant) -> &mut Held {
        let members = self.groups.entry(key.group.clone()).or_default();
        members.held.entry(key.name.clone()).or_insert_with(|| Held::unseen(now))
    }

    pub(super) fn held(&self, target: Target) -> Vec<(Key, Seen)> {
        let mut found = Vec::new();
        for (group, members) in self.groups.iter().filter(|(group, _)| group.target == target) {
            for (name, held) in &members.held {
                if let Some(seen) = held.seen() {
                    found.push((Key { group: group.clone(), name: name.clone() }, seen));
                }
            }
        }
        found
    }

    /// A name that was asked for alone: whether it goes on like that.
    pub(super) fn set_apart(&mut self, group: &Group, name: &Arc<str>, is_bad: bool) {
        let Some(members) = self.groups.get_mut(group) else { return };
        if is_bad {
            members.apart.insert(name.clone(), Instant::now() + APART);
        } else {
            members.apart.remove(name);
        }
    }

    /// The calls of the sweep that are due now: rolling objects at their pace, quiet ones at a steady rate, oldest
    /// first, in whole calls; a call that rolling objects don't fill takes the oldest quiet ones along. `a_second` is how
    /// many calls of a sort may look at what is rolling in a region.
    pub(super) fn due(
        &mut self,
        now: Instant,
        passed: Duration,
        cadence: Cadence,
        a_second: impl Fn(&str, Target) -> f64,
    ) -> Vec<(Group, Vec<Arc<str>>)> {
        // Questions of a moment leave nothing behind.
        self.groups.retain(|_, members| !members.is_empty());
        let mut calls = Vec::new();
        let pressed = self.pressed(cadence, a_second);
        for (group, members) in &mut self.groups {
            let cadence = pressed.get(&(group.region.clone(), group.target)).copied().unwrap_or(cadence);
            let names = members.due(group.target.batch(), now, passed, cadence);
            for call in members.cut(group.target, names, |name| name) {
                calls.push((group.clone(), call));
            }
        }
        calls
    }

    /// The cadence of those things of which so many are rolling that their calls at the usual pace would take more than
    /// their part of what ECS allows: theirs is as slow as it must be.
    fn pressed(
        &self,
        cadence: Cadence,
        a_second: impl Fn(&str, Target) -> f64,
    ) -> HashMap<(Arc<str>, Target), Cadence> {
        let mut calls: HashMap<(Arc<str>, Target), usize> = HashMap::new();
        for (group, members) in &self.groups {
            let rolling = members.held.values().filter(|held| held.pace == Some(Pace::Rolling)).count();
            *calls.entry((group.region.clone(), group.target)).or_default() += rolling.div_ceil(group.target.batch());
        }
        let slowed = calls.into_iter().map(|(of, calls)| {
            #[allow(clippy::cast_precision_loss)] // below 2^16
            let least = Duration::from_secs_f64(calls as f64 / a_second(&of.0, of.1));
            (of, Cadence { rolling: cadence.rolling.max(least), ..cadence })
        });
        slowed.filter(|(_, slowed)| slowed.rolling > cadence.rolling).collect()
    }
}

impl Members {
    fn is_empty(&self) -> bool {
        self.held.is_empty() && self.pending.is_empty() && self.under_way == 0
    }

    fn due(&mut self, batch: usize, now: Instant, passed: Duration, cadence: Cadence) -> Vec<Arc<str>> {
        self.held.retain(|_, held| held.pace.is_some() || now - held.tried < UNKEPT);
        let mut steady: [Vec<(Instant, Arc<str>)>; 2] = Default::default();
        let mut names: Vec<Arc<str>> = Vec::new();
        for (name, held) in self.held.iter().filter(|(_, held)| !held.is_asked) {
            match held.pace {
                Some(Pace::Rolling) if now - held.tried >= cadence.rolling => names.push(name.clone()),
                Some(Pace::Quiet) => steady[0].push((held.tried, name.clone())),
                Some(Pace::Slow) => steady[1].push((held.tried, name.clone())),
                _ => {}
            }
        }
        let open = names.len().next_multiple_of(batch) - names.len();
        for (class, mut quiet) in steady.into_iter().enumerate() {
            quiet.sort_unstable();
            let period = cadence.quiet * if class == 0 { 1 } else { SLOW };
            let open = if class == 0 { open } else { 0 };
            let take = self.afford(class, quiet.len(), batch, open, passed.as_secs_f64() / period.as_secs_f64());
            names.extend(quiet.into_iter().take(take).map(|(_, name)| name));
        }
        for name in &names {
            if let Some(held) = self.held.get_mut(name) {
                (held.tried, held.is_asked) = (now, true);
            }
        }
        names
    }

    /// How many of so many objects are looked at now: at a steady rate, in whole calls, and as many as others leave room
    /// for. `share` is the part of their period that has passed.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts, below 2^16
    fn afford(&mut self, class: usize, count: usize, batch: usize, open: usize, share: f64) -> usize {
        let credit = (self.credit[class] + count as f64 * share).min(f64::from(u16::MAX));
        let unit = batch.min(count);
        let whole = (credit as usize).checked_div(unit).unwrap_or_default() * unit;
        let take = whole.max(open.min(count));
        self.credit[class] = (credit - take as f64).max(0.0);
        take
    }

    fn take_pending(&mut self, target: Target) -> Vec<Call> {
        let names = self.pending.take();
        self.cut(target, names, |(name, _)| name)
    }

    /// Cuts names into calls; those set apart get a call each.
    fn cut<T>(&mut self, target: Target, names: Vec<T>, name: impl Fn(&T) -> &Arc<str>) -> Vec<Vec<T>> {
        let now = Instant::now();
        self.apart.retain(|_, until| *until > now);
        let (apart, together): (Vec<T>, Vec<T>) =
            names.into_iter().partition(|entry| self.apart.contains_key(name(entry)));
        let mut calls: Vec<Vec<T>> = apart.into_iter().map(|entry| vec![entry]).collect();
        let mut rest = together.into_iter().peekable();
        while rest.peek().is_some() {
            calls.push(rest.by_ref().take(target.batch()).collect());
        }
        calls
    }
}

impl Held {
    fn unseen(now: Instant) -> Self {
        Self {
            value: None,
            at: None,
            tried: now,
            pace: None,
            is_asked: false,
            is_answer: false,
            replaced: Vec::new(),
            is_overdue: false,
            distrusted: None,
        }
    }

    /// How old an observation may get before it must be read anew.
    fn oldest(&self, cadence: Cadence) -> Duration {
        cadence.oldest() * if self.pace == Some(Pace::Slow) { SLOW } else { 1 }
    }

    fn seen(&self) -> Option<Seen> {
        self.at.map(|at| self.seen_at(at))
    }

    fn seen_at(&self, at: Instant) -> Seen {
        Seen { value: self.value.clone(), at, is_answer: self.is_answer }
    }

    fn json(&self) -> Option<Value> {
        self.seen().and_then(|seen| seen.json())
    }

    /// Whether a read shows just what a write of ours replaced a moment ago, or a service as it was before the deployment
    /// that a write of ours began: a rollback so soon would still show that one beside the old.
    fn is_from_the_past(&mut self, target: Target, value: Option<&Value>, at: Instant) -> bool {
        self.replaced.retain(|replaced| at.saturating_duration_since(replaced.at) < STALE);
        if self.replaced.is_empty() {
            return false;
        }
        let held = self.json();
        let shown = identity(target, value);
        if self.replaced.iter().any(|before| before.identity == shown) && identity(target, held.as_ref()) != shown {
            return true;
        }
        target == Target::Service && held.as_ref().zip(value).is_some_and(|(held, shown)| is_before(held, shown))
    }
}
