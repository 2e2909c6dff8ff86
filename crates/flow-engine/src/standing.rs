//! Whether an instance's result is in the store, and if not, why.

use flow_contract::{Difference, Key, first_difference};

use crate::board::{Board, InstanceId, Outputs};
use crate::event::Why;
use crate::execute::first_absent;
use crate::prepare::Prepared;

/// The stored result of a recipe, or why there is none.
pub(crate) fn standing(
    board: &Board<'_>,
    id: InstanceId,
    prepared: &Prepared,
    key: Key,
) -> Result<(Outputs, f64), Why> {
    let store = board.session.store;
    let instance = board.instance(id);
    if let Some(made) = store.made(&key) {
        let distrusted = instance.rewinds > 0;
        // Outputs that need not be kept are missed by who reads them; its reader then rewinds it.
        let needed = distrusted || board.session.plan.node(instance.node).keep;
        if !needed {
            return Ok((made.outputs.into(), made.seconds));
        }
        return match first_absent(store, &made.outputs, distrusted) {
            Some(output) => Err(Why::Gone {
                output: output.to_owned(),
            }),
            None => Ok((made.outputs.into(), made.seconds)),
        };
    }
    if store.has_record(&key) {
        return Err(Why::Damaged);
    }
    let last = store.last_of(&board.address(id).to_string());
    let difference = last.and_then(|entry| first_difference(&entry.recipe, &prepared.recipe));
    Err(difference.map_or(Why::New, |difference| named(difference, prepared)))
}

/// Puts the name of an input beside its place, so that a reader knows which file or node moved.
fn named(mut difference: Difference, prepared: &Prepared) -> Why {
    let places = prepared.recipe.input_places();
    let artifacts = prepared.inputs.iter().flat_map(|(_, artifacts)| artifacts);
    let moved = places.iter().zip(artifacts);
    let moved = moved.filter(|(place, _)| **place == difference.part);
    if let Some((_, artifact)) = moved
        .last()
        .filter(|(_, one)| !difference.part.contains(&one.name))
    {
        difference.part = format!("{} ({})", difference.part, artifact.name);
    }
    Why::Changed(difference)
}
