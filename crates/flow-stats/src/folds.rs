//! Subject-wise folds: who trains, who validates, who tests.
//!
//! A subject has one role in a fold, so all nights of a person stay together. Subjects are sorted by name
//! first: the order in which recordings happen to be listed changes no fold.

use crate::random::{generator, shuffle};

/// What a subject is used for in a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The network learns from this subject.
    Training,
    /// This subject decides when training stops and which weights are kept.
    Validation,
    /// The subject is held out for the results.
    Test,
    /// The subject was not drawn for this fold.
    Unused,
}

/// How many subjects take each role in a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleCounts {
    /// Training subjects, at least 1.
    pub training: usize,
    /// Validation subjects, may be 0.
    pub validation: usize,
    /// Test subjects, at least 1.
    pub test: usize,
}

impl RoleCounts {
    /// Subjects that a fold needs; `None` if no machine could hold them.
    fn total(self) -> Option<usize> {
        self.training
            .checked_add(self.validation)?
            .checked_add(self.test)
    }
}

/// Why subjects can't be put into folds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// There are fewer subjects than roles to fill.
    #[error(
        "{subjects} subjects are too few for {} training, {} validation and {} test subjects",
        wanted.training, wanted.validation, wanted.test
    )]
    TooFewSubjects {
        /// Distinct subjects.
        subjects: usize,
        /// What was asked for.
        wanted: RoleCounts,
    },
    /// A fold without training or test subjects has no result.
    #[error("a fold needs at least one training and one test subject")]
    EmptyRole {
        /// What was asked for.
        wanted: RoleCounts,
    },
    /// The number of folds can't be made from the subjects.
    #[error("{subjects} subjects can't be left out in {folds} folds")]
    FoldCount {
        /// Distinct subjects.
        subjects: usize,
        /// Folds asked for.
        folds: usize,
    },
}

/// The role of every subject in every fold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    /// Invariant: sorted, no name twice. Guard: `subjects_are_sorted_and_distinct`.
    subjects: Vec<String>,
    /// Invariant: `[fold][subject]`, so a subject has one role in a fold by construction.
    roles: Vec<Vec<Role>>,
}

impl Folds {
    /// Distinct subjects in ascending order of name.
    pub fn subjects(&self) -> &[String] {
        &self.subjects
    }

    /// Number of folds.
    pub fn len(&self) -> usize {
        self.roles.len()
    }

    /// Says whether there is no fold.
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }

    /// Roles in fold `fold`, one per subject in the order of [`Folds::subjects`]; `None` beyond the last fold.
    pub fn roles(&self, fold: usize) -> Option<&[Role]> {
        self.roles.get(fold).map(Vec::as_slice)
    }

    /// The role of a subject in a fold; `None` if either is unknown.
    pub fn role_of(&self, fold: usize, subject: &str) -> Option<Role> {
        let index = self
            .subjects
            .binary_search_by(|known| known.as_str().cmp(subject))
            .ok()?;
        self.roles(fold)?.get(index).copied()
    }

    /// Subjects with a role in a fold, in ascending order of name; none beyond the last fold.
    pub fn subjects_in(&self, fold: usize, role: Role) -> impl Iterator<Item = &str> {
        let roles = self.roles(fold).unwrap_or_default();
        let pairs = self.subjects.iter().zip(roles);
        pairs
            .filter(move |(_, has)| **has == role)
            .map(|(subject, _)| subject.as_str())
    }
}

/// Draws every fold's roles anew from all subjects, so test sets of different folds may overlap.
///
/// Fold `i` depends on the subjects, the counts, the seed and `i` alone: a further fold changes no earlier
/// one. Subjects beyond the counts are [`Role::Unused`].
///
/// * `subjects`: names, any order; a name may stand once per recording
///
/// # Errors
/// [`FoldError::EmptyRole`] without training or test subjects, [`FoldError::TooFewSubjects`] if the counts
/// exceed the distinct subjects.
///
/// Source: Ellis et al. 2021, 10 folds of 17 / 2 / 3 out of 22 subjects.
pub fn draw<S: AsRef<str>>(
    subjects: &[S],
    folds: usize,
    counts: RoleCounts,
    seed: u64,
) -> Result<Folds, FoldError> {
    let subjects = distinct(subjects);
    refuse_impossible(subjects.len(), counts)?;
    let roles = (0..folds)
        .map(|fold| draw_fold(subjects.len(), fold, counts, seed))
        .collect();
    Ok(Folds { subjects, roles })
}

/// Partitions the subjects into test sets: every subject is tested in exactly one fold.
///
/// The order of the subjects is shuffled once; fold `i` tests the `i`-th run of it, and runs differ by at
/// most one subject. `validation` subjects are drawn per fold from the rest, all others train. As many folds as
/// subjects leaves one out at a time.
///
/// # Errors
/// [`FoldError::FoldCount`] for fewer than 2 folds or more folds than subjects, [`FoldError::TooFewSubjects`] if
/// no training subject remains.
pub fn partition<S: AsRef<str>>(
    subjects: &[S],
    folds: usize,
    validation: usize,
    seed: u64,
) -> Result<Folds, FoldError> {
    let subjects = distinct(subjects);
    let count = subjects.len();
    refuse_partition(count, folds, validation)?;
    let mut order: Vec<usize> = (0..count).collect();
    shuffle(&mut generator(seed, PARTITION_STREAM), &mut order);
    let tested = |fold: usize| order[fold * count / folds..(fold + 1) * count / folds].to_vec();
    let roles = (0..folds).map(|fold| leave_out(count, fold, &tested(fold), validation, seed));
    Ok(Folds {
        roles: roles.collect(),
        subjects,
    })
}

/// Partitions the subjects into test sets that are alike in what the subjects are ranked by.
///
/// Of each `folds` subjects that follow each other in the ranking, every fold tests one, by lot; what is left
/// over at the end goes to different folds. Validation and training subjects are as in [`partition`].
///
/// * `ranked`: names in order of what the folds shall share out evenly, as sex and then age; a name may
///   stand once per recording, its first place counts
///
/// # Errors
/// As [`partition`].
pub fn partition_ranked<S: AsRef<str>>(
    ranked: &[S],
    folds: usize,
    validation: usize,
    seed: u64,
) -> Result<Folds, FoldError> {
    let subjects = distinct(ranked);
    let count = subjects.len();
    refuse_partition(count, folds, validation)?;
    let mut lots = generator(seed, PARTITION_STREAM);
    let mut tested = vec![Vec::new(); folds];
    for block in in_order_of(ranked, &subjects).chunks(folds) {
        let mut order: Vec<usize> = (0..folds).collect();
        shuffle(&mut lots, &mut order);
        for (subject, fold) in block.iter().zip(order) {
            tested[fold].push(*subject);
        }
    }
    let roles = tested.iter().enumerate();
    let roles = roles.map(|(fold, tested)| leave_out(count, fold, tested, validation, seed));
    Ok(Folds {
        roles: roles.collect(),
        subjects,
    })
}

/// Places of the ranked names in `subjects`, each once.
fn in_order_of<S: AsRef<str>>(ranked: &[S], subjects: &[String]) -> Vec<usize> {
    let mut places: Vec<usize> = Vec::with_capacity(subjects.len());
    let mut met = vec![false; subjects.len()];
    for name in ranked {
        let place = subjects.partition_point(|known| known.as_str() < name.as_ref());
        if !std::mem::replace(&mut met[place], true) {
            places.push(place);
        }
    }
    places
}

fn refuse_partition(subjects: usize, folds: usize, validation: usize) -> Result<(), FoldError> {
    if folds < 2 || folds > subjects {
        return Err(FoldError::FoldCount { subjects, folds });
    }
    let wanted = RoleCounts {
        training: 1,
        validation,
        test: subjects.div_ceil(folds),
    };
    refuse_impossible(subjects, wanted)
}

/// The stream that shuffles a partition; folds take streams 0, 1, 2, …
const PARTITION_STREAM: u64 = u64::MAX;

/// Sorts the names and drops repeats.
fn distinct<S: AsRef<str>>(subjects: &[S]) -> Vec<String> {
    let mut names: Vec<String> = subjects
        .iter()
        .map(|name| name.as_ref().to_owned())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Refuses counts that no draw can satisfy.
fn refuse_impossible(subjects: usize, wanted: RoleCounts) -> Result<(), FoldError> {
    if wanted.training == 0 || wanted.test == 0 {
        return Err(FoldError::EmptyRole { wanted });
    }
    match wanted.total() {
        Some(total) if total <= subjects => Ok(()),
        _ => Err(FoldError::TooFewSubjects { subjects, wanted }),
    }
}

/// Draws one fold: test subjects first, then validation, then training.
fn draw_fold(subjects: usize, fold: usize, counts: RoleCounts, seed: u64) -> Vec<Role> {
    let mut order: Vec<usize> = (0..subjects).collect();
    shuffle(&mut generator(seed, fold as u64), &mut order);
    let in_order = std::iter::repeat_n(Role::Test, counts.test)
        .chain(std::iter::repeat_n(Role::Validation, counts.validation))
        .chain(std::iter::repeat_n(Role::Training, counts.training));
    let mut roles = vec![Role::Unused; subjects];
    for (subject, role) in order.into_iter().zip(in_order) {
        roles[subject] = role;
    }
    roles
}

/// Makes one fold of a partition from the subjects it tests.
fn leave_out(
    subjects: usize,
    fold: usize,
    tested: &[usize],
    validation: usize,
    seed: u64,
) -> Vec<Role> {
    let mut roles = vec![Role::Training; subjects];
    for subject in tested {
        roles[*subject] = Role::Test;
    }
    let mut rest: Vec<usize> = (0..subjects)
        .filter(|s| roles[*s] == Role::Training)
        .collect();
    shuffle(&mut generator(seed, fold as u64), &mut rest);
    for subject in &rest[..validation] {
        roles[*subject] = Role::Validation;
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAPER: RoleCounts = RoleCounts {
        training: 17,
        validation: 2,
        test: 3,
    };

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("ST7{i:02}")).collect()
    }

    fn count(folds: &Folds, fold: usize, role: Role) -> usize {
        folds.subjects_in(fold, role).count()
    }

    #[test]
    fn every_fold_of_the_paper_has_17_2_3_subjects() {
        let folds = draw(&names(22), 10, PAPER, 2021).unwrap();
        assert_eq!(folds.len(), 10);
        for fold in 0..10 {
            assert_eq!(count(&folds, fold, Role::Training), 17);
            assert_eq!(count(&folds, fold, Role::Validation), 2);
            assert_eq!(count(&folds, fold, Role::Test), 3);
            assert_eq!(count(&folds, fold, Role::Unused), 0);
        }
    }

    #[test]
    fn folds_of_a_seed_are_pinned() {
        // Computed in Python from the definitions of ChaCha8 and of the shuffle.
        let folds = draw(&names(22), 10, PAPER, 2021).unwrap();
        let of = |fold, role| folds.subjects_in(fold, role).collect::<Vec<_>>();
        assert_eq!(of(0, Role::Test), ["ST707", "ST715", "ST718"]);
        assert_eq!(of(0, Role::Validation), ["ST700", "ST713"]);
        assert_eq!(of(9, Role::Test), ["ST703", "ST706", "ST713"]);
        assert_eq!(of(9, Role::Validation), ["ST711", "ST712"]);
    }

    #[test]
    fn a_ranked_partition_tests_each_once_and_one_of_each_block() {
        let ranked: Vec<String> = names(22).into_iter().rev().collect();
        let twice: Vec<&String> = ranked.iter().flat_map(|name| [name, name]).collect();
        let folds = partition_ranked(&twice, 4, 2, 2021).unwrap();
        for block in ranked.chunks(4) {
            let tests = |fold: usize| {
                let tested = |name: &&String| folds.role_of(fold, name) == Some(Role::Test);
                block.iter().filter(tested).count()
            };
            let of_block: Vec<usize> = (0..4).map(tests).collect();
            assert_eq!(of_block.iter().sum::<usize>(), block.len());
            assert!(of_block.iter().all(|tests| *tests <= 1), "{of_block:?}");
        }
        assert!((0..4).all(|fold| count(&folds, fold, Role::Validation) == 2));
        assert_ne!(folds, partition_ranked(&ranked, 4, 2, 2022).unwrap());
    }

    #[test]
    fn a_further_fold_changes_no_earlier_one() {
        let ten = draw(&names(22), 10, PAPER, 7).unwrap();
        let eleven = draw(&names(22), 11, PAPER, 7).unwrap();
        assert_eq!(ten.roles[..], eleven.roles[..10]);
        assert_ne!(eleven.roles[9], eleven.roles[10]);
        assert_ne!(
            ten,
            draw(&names(22), 10, PAPER, 8).unwrap(),
            "the seed matters"
        );
    }

    #[test]
    fn two_nights_and_any_order_of_recordings_give_the_same_folds() {
        let once = draw(&names(22), 3, PAPER, 1).unwrap();
        let mut twice = names(22);
        twice.extend(names(22));
        twice.reverse();
        assert_eq!(once, draw(&twice, 3, PAPER, 1).unwrap());
    }

    #[test]
    fn subjects_are_sorted_and_distinct() {
        let folds = draw(
            &["b", "a", "c", "b"],
            1,
            RoleCounts {
                training: 1,
                validation: 0,
                test: 1,
            },
            0,
        );
        let folds = folds.unwrap();
        assert_eq!(folds.subjects(), ["a", "b", "c"]);
        assert_eq!(count(&folds, 0, Role::Unused), 1);
        assert_eq!(folds.role_of(0, "d"), None);
        assert_eq!(folds.role_of(1, "a"), None);
        assert!(folds.role_of(0, "a").is_some());
    }

    #[test]
    fn test_subjects_are_drawn_evenly() {
        let folds = draw(&names(22), 4400, PAPER, 5).unwrap();
        for subject in 0..22 {
            let tested = folds
                .roles
                .iter()
                .filter(|roles| roles[subject] == Role::Test)
                .count();
            // Expected 600 of 4400, sd sqrt(4400 × 3/22 × 19/22) ≈ 23; five of them.
            assert!(
                tested.abs_diff(600) < 115,
                "subject {subject} was tested {tested} times"
            );
        }
    }

    #[test]
    fn too_few_subjects_are_refused() {
        let error = draw(&names(21), 10, PAPER, 0).unwrap_err();
        assert_eq!(
            error,
            FoldError::TooFewSubjects {
                subjects: 21,
                wanted: PAPER
            }
        );
        let none = RoleCounts { test: 0, ..PAPER };
        assert_eq!(
            draw(&names(22), 1, none, 0),
            Err(FoldError::EmptyRole { wanted: none })
        );
        let huge = RoleCounts {
            training: usize::MAX,
            ..PAPER
        };
        assert!(matches!(
            draw(&names(22), 1, huge, 0),
            Err(FoldError::TooFewSubjects { .. })
        ));
    }

    #[test]
    fn impossible_partitions_are_refused() {
        for folds in [0, 1, 6] {
            let error = partition(&names(5), folds, 0, 0).unwrap_err();
            assert_eq!(error, FoldError::FoldCount { subjects: 5, folds });
        }
        assert!(matches!(
            partition(&names(4), 2, 2, 0),
            Err(FoldError::TooFewSubjects { .. })
        ));
    }

    proptest! {
        #[test]
        fn a_partition_tests_each_subject_once(
            subjects in 3_usize..40, folds in 2_usize..40, validation in 0_usize..3, seed in any::<u64>(),
        ) {
            prop_assume!(folds <= subjects && subjects.div_ceil(folds) + validation < subjects);
            let made = partition(&names(subjects), folds, validation, seed).unwrap();
            for subject in 0..subjects {
                let tested = made.roles.iter().filter(|r| r[subject] == Role::Test).count();
                prop_assert_eq!(tested, 1);
            }
            for fold in 0..folds {
                let tested = count(&made, fold, Role::Test);
                prop_assert!(tested == subjects / folds || tested == subjects.div_ceil(folds));
                prop_assert_eq!(count(&made, fold, Role::Validation), validation);
                prop_assert_eq!(count(&made, fold, Role::Training), subjects - tested - validation);
            }
        }
    }
}
