//! Whether an instance's result is in the store, and if not, why.

use std::collections::BTreeMap;

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
    if let Some(entry) = store.lookup(&key) {
        let distrusted = instance.rewinds > 0;
        // Outputs that need not be kept are missed by who reads them; its reader then rewinds it.
        let needed = distrusted || board.session.plan.node(instance.node).keep;
        if !needed {
            return Ok((entry.outputs.into(), entry.seconds));
        }
        return match first_absent(store, &entry.outputs, distrusted) {
            Some(output) => Err(Why::Gone {
                output: output.to_owned(),
            }),
            None => Ok((entry.outputs.into(), entry.seconds)),
        };
    }
    let last = store.last_of(&board.address(id).to_string());
    let difference = last.and_then(|entry| first_difference(&entry.recipe, &prepared.recipe));
    Err(difference.map_or(Why::New, |difference| named(difference, prepared)))
}

/// Puts the names of inputs beside their ports, so that a reader knows which file or node moved.
fn named(mut difference: Difference, prepared: &Prepared) -> Why {
    let ports: BTreeMap<&str, &str> = prepared
        .inputs
        .iter()
        .filter_map(|(port, artifacts)| match artifacts.as_slice() {
            [only] => Some((port.as_str(), only.name.as_str())),
            _ => None,
        })
        .collect();
    if let Some(name) = difference
        .part
        .strip_prefix("inputs.")
        .and_then(|port| ports.get(port))
    {
        difference.part = format!("{} ({name})", difference.part);
    }
    Why::Changed(difference)
}
