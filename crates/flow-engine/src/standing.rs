//! Whether an instance's result is in the store, and if not, why.

use flow_contract::{Key, Recipe, first_difference};

use crate::board::{Board, InstanceId};
use crate::event::Why;
use crate::execute::first_absent;
use crate::given::Given;
use crate::prepare::Prepared;

/// The stored result of a recipe, or why there is none.
pub(crate) fn standing(
    board: &Board<'_>,
    id: InstanceId,
    prepared: &Prepared<'_>,
    key: Key,
) -> Result<Given, Why> {
    let store = board.session.store;
    let instance = board.instance(id);
    if let Some(made) = store.made(&key) {
        let distrusted = instance.rewinds > 0;
        // Outputs that need not be kept are missed by who reads them; its reader then rewinds it.
        let needed = distrusted || board.session.plan.node(instance.node).keep;
        if !needed {
            return Ok(made.into());
        }
        return match first_absent(store, &made.outputs, distrusted) {
            Some(output) => Err(Why::Gone {
                output: output.to_owned(),
            }),
            None => Ok(made.into()),
        };
    }
    if store.has_record(&key) {
        return Err(Why::Damaged);
    }
    let last = store.last_of(&board.address(id).to_string());
    Err(match last {
        None => Why::New,
        Some(last) => changed(&last.recipe, prepared),
    })
}

/// What changed since a recipe, with the name of an input beside its place, so that a reader knows which
/// file or node moved.
fn changed(old: &Recipe, prepared: &Prepared<'_>) -> Why {
    let recipe = prepared.recipe().to_recipe();
    let Some(mut difference) = first_difference(old, &recipe) else {
        return Why::New;
    };
    let places = recipe.input_places();
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
