//! The language of the study file, on one page. Every example here is planned by a test.
//!
//! A study is TOML: `[study]` names it, `[params]` holds what a user may change, each
//! `[node.NAME]` is a step of some `kind`. Keys that are not words of the language are the kind's
//! ports and params (`flow kinds KIND` lists them). An unknown key is a mistake, never ignored.
//!
//! # The study, its params and pools
//!
//! ```toml
//! [study]
//! name = "sleep-lrp"        # all keys are optional
//! description = "Which modality decides?"
//! notice = "It takes hours."   # said by `flow check`, and before anything runs
//! seed = "$seed"            # for kinds that draw at random; without it a param `seed`, else 0
//! cache = "cache"           # where results are kept
//! reports = "reports"       # where published files go
//!
//! [params]                  # values, lists and ranges: `flow run --set seed=7`
//! seed = 2021
//! epsilon = [0.01, 100.0]
//! folds = "0..10"           # 0 to 9; also "0..=9", "lin(0, 1, 5)", "log(1e-3, 100, 6)"
//! rules = ["epsilon($epsilon)", "alpha-beta(1,0)"]   # a list inside an entry gives several
//!
//! [pools]                   # what may be used by only so many instances at once
//! disk = 2
//!
//! [node.recordings]
//! kind = "recordings"
//! nights = 2                # a param of the kind
//! ```
//!
//! # References
//!
//! In any text, `$name` is a param or an axis of the node (an axis hides a param of its name),
//! `$axis.column` a column of the axis' row; `${name}` and `${axis.column}` say where the name
//! ends, `$$` is a dollar sign. A reference that is the whole text keeps its sort: `"$seed"` is a
//! number. `$axis.csv` at the end of a text is the value and an extension, if the row has no
//! column `csv`.
//!
//! # Ports
//!
//! ```toml
//! [node.recordings]
//! kind = "recordings"
//!
//! [node.night]
//! kind = "epoch"
//! psg = "recordings.recording"                # an output: "node.output"
//! hypnogram = { file = "data/a.hypnogram" }   # a file, by its content
//!
//! [node.folds]
//! kind = "folds"
//! tables = ["night.table", { files = "subjects/*.parquet" }]   # a port that takes many
//! ```
//!
//! Types are checked: meaning, axes and unit of an output must be those of the port.
//!
//! # for_each: one instance for each value
//!
//! ```toml
//! [params]
//! epsilon = [0.01, 100.0]
//!
//! [node.recordings]
//! kind = "recordings"
//!
//! [node.night]
//! kind = "epoch"
//! for_each = { recording = "recordings.table" }   # rows of a table, known when it was made:
//! psg = { file = "data/$recording.psg" }          # the column `recording` names the instance
//!
//! [node.zscored]
//! kind = "zscore"
//! for_each = { recording = "recordings.table" }   # the same axis: matched row by row
//! epochs = "night.epochs"
//!
//! [node.folds]
//! kind = "folds"
//! tables = "night.table"                          # no such axis, a port of many: all rows
//!
//! [node.net]
//! kind = "train"
//! for_each = { fold = "0..3" }                    # a range; "$epsilon" would be a list param
//! epochs = "zscored.epochs"
//! folds = "folds.table"
//! fold = "$fold"
//!
//! [node.relevance]
//! kind = "lrp"
//! for_each = { fold = "0..3", rule = ["epsilon($epsilon)", "alpha-beta(1,0)"] }   # all pairs
//! exclude = [{ fold = 2, rule = "epsilon(100)" }]
//! weights = "net.weights"                         # matched on `fold`
//! epochs = "zscored.epochs"
//! rule = "$rule"
//!
//! [node.first]
//! kind = "figure"
//! shares = "relevance[fold=0].shares"             # only some instances
//! ```
//!
//! Two axes are the same if their name and their values are; of two nodes with an axis `fold` of
//! other values, one says `net[fold=$fold].weights`. Axes also walk together, take single extra
//! points, rows written out, and files:
//!
//! ```toml
//! [node.pairs]
//! kind = "folds"
//! for_each = { seed = "0..3", count = [3, 5, 7] }
//! zip = [["seed", "count"]]                       # three instances, not nine
//! include = [{ seed = 9, count = 10 }]            # and this one
//! seed = "$seed"
//! count = "$count"
//!
//! [node.cases]
//! kind = "folds"
//! for_each = { case = [{ case = "small", n = 3 }, { case = "large", n = 30 }] }
//! count = "$case.n"
//!
//! [node.night]
//! kind = "epoch"
//! for_each = { night = { files = "data/*.edf" } }   # columns: night (the name), path, name
//! psg = { file = "$night.path" }
//! ```
//!
//! An instance is addressed by value: `flow run 'relevance[fold=3,rule=epsilon(100)]'`.
//!
//! # Sweeps from the command line
//!
//! `flow run --set epsilon=[0.1,1]` gives a param another value, `--sweep` several, as a list or a
//! range. A list param gets them as its entries, so `--sweep 'epsilon=log(1e-3,100,6)'` adds
//! instances where the study walks over it. A param that is one value has each in turn: with
//!
//! ```toml
//! [params]
//! count = 3
//!
//! [node.recordings]
//! kind = "recordings"
//!
//! [node.folds]
//! kind = "folds"
//! count = "$count"
//! publish = { table = "tables/folds.csv" }
//!
//! [node.shown]
//! kind = "folds"
//! tables = "folds.table"
//! ```
//!
//! `flow run --sweep count=[3,5]` has one `recordings`, and `folds[count=3]`, `folds[count=5]`,
//! `shown[count=3]`, `shown[count=5]`; each publishes below `count=3/` or `count=5/`. Results are
//! shared with `--set count=3`. Several `--sweep` give all pairs, `flow compare` tabulates.
//!
//! # Resources, retries, publishing
//!
//! ```toml
//! [pools]
//! disk = 2
//!
//! [node.folds]
//! kind = "folds"
//! for_each = { size = [3, 5] }
//! count = "$size"
//! seed = 7                    # instead of the study's, for kinds that draw at random
//! cores = 2                   # without it 1
//! memory = "2 GiB"
//! gpu = 0
//! pools = { disk = 1 }
//! retries = 2
//! timeout = "1 h 30 min"
//! keep = false                # `flow gc` removes its outputs; made again when something needs them
//! publish = { table = ["tables/$size.csv", "tables/$size.parquet"] }   # below reports/
//! ```
//!
//! # Commands in any language
//!
//! ```toml
//! [node.step]
//! kind = "command"
//! run = ["python", "{script}", "{seed}", "{out}"]   # ports by name, in braces
//! inputs = { script = { file = "step.py" }, seed = { file = "seed.txt" } }
//! outputs = { out = "root.txt", table = { path = "t.parquet", type = "table" } }
//!
//! [node.next]
//! kind = "folds"
//! tables = "step.table"
//!
//! [node.told]
//! kind = "command"
//! shell = "sort -k1 ages.csv | head -n {count}"     # or a line for `sh -c`
//! inputs = { ages = { file = "ages.csv" } }
//! params = { count = 3 }                            # {count}, PARAM_COUNT, and in flow.json
//! environment = { LC_ALL = "C" }                    # besides PATH and TMPDIR, nothing else
//! publish = { stdout = "oldest.txt" }               # ports `stdout` and `stderr` are always there
//! ```
//!
//! A command runs in a folder of its own. An input lies there under its port's name, a file of the
//! study also under its own path; `flow.json` lists the inputs with their labels, the outputs, and
//! the params. The program, and every word that is the path of a file in the study's folder, are
//! inputs by content without being declared. Where the kernel has Landlock, a command can read its
//! inputs and the system, write its folder, and not use TCP; `reads = ["~/atlas"]`,
//! `writes = ["…"]` and `network = true` let it do more, and are no part of its recipe.
//!
//! An output whose path is a pattern is any number of files, known when the command ran. They span
//! an axis like the rows of a table; a port takes the file of its instance, or all of them:
//!
//! ```toml
//! [node.split]
//! kind = "command"
//! run = ["python3", "split.py", "{parts}"]          # the folder
//! outputs = { parts = { path = "parts/*.parquet", type = "table" } }
//! publish = { parts = "parts" }                     # each under its own name
//!
//! [node.each]
//! kind = "folds"
//! for_each = { part = "split.parts" }               # each[part=a]; columns: part, name, path
//! tables = "split.parts"
//! publish = { table = "each/$part.csv" }
//! ```
//!
//! An output's type is `file` (the one meant by a path alone), `table`, `tensors`, `figure`,
//! `picture` or `document`; it fits every port of that form, and what it holds is checked when it
//! is there.
//!
//! # The report
//!
//! ```toml
//! [node.figure1]
//! kind = "figure"
//!
//! [report]
//! title = "Which modality decides?"
//!
//! [[report.section]]
//! title = "Shares"
//! text = "Percent of absolute relevance."
//! show = ["figure1.svg"]
//! ```
