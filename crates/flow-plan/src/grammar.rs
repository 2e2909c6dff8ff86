//! The language of the study file, on one page. A test runs every example here as it stands, in a folder
//! with the files it names (`tests/e2e/grammar`).
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
//! subjects = 2
//! epsilon = [0.01, 100.0]
//! folds = "0..10"           # 0 to 9; also "0..=9", "lin(0, 1, 5)", "log(1e-3, 100, 6)"
//! rules = ["epsilon($epsilon)", "alpha-beta(1,0)"]   # a list inside an entry gives several
//!
//! [pools]                   # what may be used by only so many instances at once
//! disk = 2
//!
//! [node.nights]
//! kind = "cohort"
//! subjects = "$subjects"    # a param of the kind
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
//! [node.people]
//! kind = "recordings"
//! table = { file = "people.csv" }                 # a file, by its content
//!
//! [node.folds]
//! kind = "folds"
//! recordings = "people.recordings"                # an output: "node.output"
//! count = 2
//! training = 1
//! validation = 1
//! test = 1
//!
//! [node.all]
//! kind = "command"
//! shell = "cat {parts} > {out}"
//! inputs = { parts = [{ file = "people.csv" }, { files = "notes/*.txt" }] }   # a port that takes many
//! outputs = { out = "all.txt" }
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
//! [node.nights]
//! kind = "cohort"
//! subjects = 3
//!
//! [node.recorded]
//! kind = "simulate-night"
//! for_each = { recording = "nights.recordings" }  # rows of a table, known when it was made:
//! recording = "$recording"                        # the column `recording` names the instance
//! minutes = 10
//!
//! [node.epochs]
//! kind = "epoch"
//! for_each = { recording = "nights.recordings" }  # the same axis: matched row by row
//! psg = "recorded.psg"
//! hypnogram = "recorded.hypnogram"
//! channels = ["EEG: EEG Fpz-Cz", "EOG: EOG horizontal", "EMG: EMG submental"]
//!
//! [node.zscored]
//! kind = "z-score"
//! for_each = { recording = "nights.recordings" }
//! epochs = "epochs.epochs"
//!
//! [node.folds]
//! kind = "folds"
//! recordings = "nights.recordings"
//! count = 2
//! training = 1
//! validation = 1
//! test = 1
//!
//! [node.net]
//! kind = "train"
//! for_each = { fold = "folds.table" }
//! epochs = "zscored.epochs"                       # no axis `recording` here, a port of many: all rows
//! recordings = "nights.recordings"
//! train = "$fold.train"                           # another column of the row
//! validation = "$fold.validation"
//! network = ["conv 4 k9 s4", "relu", "global-max-pool", "dense 5"]
//! training_epochs = 1
//!
//! [node.relevance]
//! kind = "lrp"
//! for_each = { fold = "folds.table", rule = ["epsilon($epsilon)", "alpha-beta(1,0)"] }   # all pairs
//! exclude = [{ fold = 2, rule = "epsilon(100)" }]
//! weights = "net.weights"                         # matched on `fold`
//! epochs = "zscored.epochs"
//! recordings = "nights.recordings"
//! test = "$fold.test"
//! rule = "$rule"
//!
//! [node.first]
//! kind = "shares"
//! relevance = "relevance[fold=1,rule=epsilon(0.01)].relevance"   # only some instances
//! ```
//!
//! Two axes are the same if their name and their values are; of two nodes with an axis `fold` of
//! other values, one says `net[fold=$fold].weights`. Axes also walk together, take single extra
//! points, rows written out, ranges, list params and files:
//!
//! ```toml
//! [params]
//! minutes = [10, 12]
//!
//! [node.pairs]
//! kind = "simulate-night"
//! for_each = { recording = ["ST7011", "ST7012"], minutes = "$minutes" }
//! zip = [["recording", "minutes"]]                # two instances, not four
//! include = [{ recording = "ST7021", minutes = 15 }]   # and this one
//! recording = "$recording"
//! minutes = "$minutes"
//!
//! [node.cases]
//! kind = "cohort"
//! for_each = { case = [{ case = "small", n = 1 }, { case = "large", n = 3 }] }
//! subjects = "$case.n"
//!
//! [node.sizes]
//! kind = "cohort"
//! for_each = { size = "1..4" }                    # 1, 2, 3
//! subjects = "$size"
//!
//! [node.tables]
//! kind = "recordings"
//! for_each = { table = { files = "tables/*.csv" } }    # columns: table (the name), path, name
//! table = { file = "$table.path" }
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
//! count = 2
//! test = 1
//!
//! [node.nights]
//! kind = "cohort"
//! subjects = 4
//!
//! [node.folds]
//! kind = "folds"
//! recordings = "nights.recordings"
//! count = "$count"
//! training = 1
//! validation = 1
//! test = "$test"
//! publish = { table = "tables/folds.csv" }
//! ```
//!
//! `flow run --sweep count=[3,5]` has one `nights`, and `folds[count=3]`, `folds[count=5]`; each
//! publishes below `count=3/` or `count=5/`. Results are shared with `--set count=3`.
//!
//! Several `--sweep` give all pairs, unless `--zip count,test` lets them walk together;
//! `--exclude count=5,test=2` leaves out the points with these values, `--include count=9,test=1` adds
//! one. A node stands once for each value of what it depends on, and no oftener. `flow compare` tabulates a
//! number of any table over a swept param or an axis, and draws it.
//!
//! # Resources, retries, publishing
//!
//! ```toml
//! [pools]
//! disk = 2
//!
//! [node.nights]
//! kind = "cohort"
//! for_each = { size = [1, 2] }
//! subjects = "$size"
//! cores = 2                   # without it 1
//! memory = "2 GiB"
//! gpu = 0
//! pools = { disk = 1 }
//! retries = 2
//! timeout = "1 h 30 min"
//! keep = false                # `flow gc` removes its outputs; made again when something needs them
//! publish = { recordings = ["tables/$size.csv", "tables/$size.parquet"] }   # below reports/
//!
//! [node.folds]
//! kind = "folds"
//! recordings = "nights[size=2].recordings"
//! count = 1
//! training = 1
//! validation = 0
//! test = 1
//! seed = 7                    # instead of the study's, for kinds that draw at random
//! ```
//!
//! # Commands in any language
//!
//! ```toml
//! [node.step]
//! kind = "command"
//! run = ["sh", "{script}", "{people}", "{out}"]     # ports by name, in braces
//! inputs = { script = { file = "step.sh" }, people = { file = "people.csv" } }
//! outputs = { out = "count.txt", sorted = "sorted.csv", dots = { path = "dots.svg", type = "figure" } }
//!
//! [node.next]
//! kind = "recordings"
//! table = "step.sorted"
//!
//! [node.told]
//! kind = "command"
//! shell = "head -n {count} people.csv"              # or a line for `sh -c`
//! params = { count = 3 }                            # {count}, PARAM_COUNT, and in flow.json
//! environment = { LC_ALL = "C" }                    # besides PATH and TMPDIR, nothing else
//! publish = { stdout = "first.txt" }                # ports `stdout` and `stderr` are always there
//! ```
//!
//! A command runs in a folder of its own. An input lies there under its port's name, a file of the
//! study also under its own path. Several on one port lie in a folder of that name, called by their values
//! on the axis they span, as in `parts/a1`; by number, where those tell no file names apart. `flow.json`
//! lists the inputs with their labels, the outputs, and the params. In a shell line a path is quoted where
//! a shell needs that, also within quotes; a param stands as it is, and `"$$PARAM_COUNT"` keeps one with spaces or quotes together. The program, and every word that is the path of a file in the study's folder, are
//! inputs by content without being declared. Where the kernel has Landlock, a command can read its
//! inputs and the system, write its folder, and not use TCP (UDP stays open); `reads = ["~/atlas"]`,
//! `writes = ["…"]` and `network = true` let it do more, and are no part of its recipe.
//!
//! An output whose path is a pattern is any number of files, known when the command ran. They span
//! an axis like the rows of a table; a port takes the file of its instance, or all of them:
//!
//! ```toml
//! [node.split]
//! kind = "command"
//! run = ["sh", "split.sh", "{parts}", "people.csv"] # {parts} is the folder
//! outputs = { parts = "parts/*.csv" }
//! publish = { parts = "parts" }                     # each under its own name
//!
//! [node.each]
//! kind = "recordings"
//! for_each = { part = "split.parts" }               # each[part=a1]; columns: part, name, path
//! table = "split.parts"
//! publish = { recordings = "each/$part.csv" }
//! ```
//!
//! An output's type is `file` (the one meant by a path alone), `table` (Parquet), `tensors`
//! (safetensors), `figure`, `picture` or `document`; it fits every port of that form, and what it
//! holds is checked when it is there. An output without a type must be what the end of its path
//! says, where that is `.arrow`, `.csv`, `.feather`, `.json`, `.npy`, `.npz`, `.parquet`, `.png`,
//! `.safetensors` or `.svg`: one that is cut off is refused, but for a CSV cut within its last field, which
//! looks whole. `type = "file"` takes any bytes.
//!
//! # The report
//!
//! ```toml
//! [node.nights]
//! kind = "cohort"
//!
//! [report]
//! title = "Which modality decides?"
//!
//! [[report.section]]
//! title = "Nights"
//! text = "Two nights of each subject."
//! show = ["nights.recordings"]
//! ```
