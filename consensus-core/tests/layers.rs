//! The layers: which package of the workspace may use which, and what engines never depend on.
//!
//! The table is that of ARCHITECTURE.md. An edge that it does not allow fails here.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const CORE: &str = "quorate-core";
const CRYPTO: &str = "quorate-crypto";
const PBFT: &str = "quorate-pbft";
const HOTSTUFF: &str = "quorate-hotstuff";
const TENDERMINT: &str = "quorate-tendermint";
const STORAGE: &str = "quorate-storage";
const NETWORK: &str = "quorate-net-libp2p";
const REPLICA: &str = "quorate-replica";
const SIMULATOR: &str = "quorate-simulator";
const FACADE: &str = "quorate";
const ENGINES: [&str; 3] = [PBFT, HOTSTUFF, TENDERMINT];

/// What a package may depend on; and what, besides, its tests may.
struct Row {
    package: &'static str,
    normal: &'static [&'static str],
    dev: &'static [&'static str],
}

const fn row(
    package: &'static str,
    normal: &'static [&'static str],
    dev: &'static [&'static str],
) -> Row {
    Row {
        package,
        normal,
        dev,
    }
}

const TABLE: [Row; 13] = [
    row(CORE, &[], &[]),
    row(CRYPTO, &[CORE], &[]),
    row(PBFT, &[CORE], &[CRYPTO]),
    row(HOTSTUFF, &[CORE], &[CRYPTO]),
    row(TENDERMINT, &[CORE], &[CRYPTO]),
    row(STORAGE, &[CORE], &[CRYPTO]),
    row(NETWORK, &[CORE], &[CRYPTO]),
    row(
        REPLICA,
        &[CORE],
        &[CRYPTO, PBFT, HOTSTUFF, TENDERMINT, STORAGE],
    ),
    row(
        SIMULATOR,
        &[CORE, CRYPTO, PBFT, HOTSTUFF, TENDERMINT, REPLICA],
        &[],
    ),
    row(
        FACADE,
        &[
            CORE, CRYPTO, PBFT, HOTSTUFF, TENDERMINT, STORAGE, NETWORK, REPLICA,
        ],
        &[],
    ),
    row("quorate-bench", &[CORE, CRYPTO, SIMULATOR, FACADE], &[]),
    row("quorate-node", &[CORE, CRYPTO, FACADE], &[]),
    row("quorate-examples", &[CORE, CRYPTO, SIMULATOR, FACADE], &[]),
];

/// What neither the core nor an engine depends on, not even through others: runtimes, randomness,
/// networks. A name that ends in `*` stands for all that begin so.
const FORBIDDEN: [&str; 7] = [
    "tokio*",
    "async-std",
    "mio",
    "rand",
    "rand_*",
    "getrandom*",
    "libp2p*",
];

/// What builds or finds C code.
const C_BUILDERS: [&str; 5] = ["cc", "cmake", "bindgen", "pkg-config", "vcpkg"];

/// Which dependencies an edge is among.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Normal,
    Build,
    Dev,
}

/// A package as Cargo resolves it, on all targets together.
#[derive(Clone, Debug, Default)]
struct Node {
    name: String,
    /// The native library that it links to.
    links: Option<String>,
    features: BTreeSet<String>,
    /// Other packages, by their ids.
    uses: BTreeSet<(Kind, String)>,
}

/// Packages by id.
type Graph = BTreeMap<String, Node>;

fn metadata() -> Metadata {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let read = |options: &[&str]| {
        let options: Vec<_> = options.iter().map(|it| (*it).to_owned()).collect();
        let mut command = MetadataCommand::new();
        command
            .manifest_path(&manifest)
            .other_options(options)
            .exec()
    };
    // A fresh machine lacks the packages that only other targets use.
    read(&["--offline"])
        .or_else(|_| read(&[]))
        .expect("cargo metadata describes the workspace")
}

fn graph(metadata: &Metadata) -> Graph {
    let resolve = metadata.resolve.as_ref().expect("metadata is resolved");
    let mut graph = Graph::new();
    for package in &metadata.packages {
        let node = graph.entry(package.id.repr.clone()).or_default();
        node.name = package.name.to_string();
        node.links.clone_from(&package.links);
    }
    for resolved in &resolve.nodes {
        let node = graph.get_mut(&resolved.id.repr).expect("it is a package");
        node.features = resolved.features.iter().map(ToString::to_string).collect();
        for dependency in &resolved.deps {
            for kind in &dependency.dep_kinds {
                let kind = match kind.kind {
                    DependencyKind::Development => Kind::Dev,
                    DependencyKind::Build => Kind::Build,
                    _ => Kind::Normal,
                };
                node.uses.insert((kind, dependency.pkg.repr.clone()));
            }
        }
    }
    graph
}

/// The packages of the workspace, by name, and the edges that they declare to each other.
///
/// Declared and not resolved, because optional edges count too.
fn declared(metadata: &Metadata) -> (BTreeSet<String>, BTreeSet<(String, String, Kind)>) {
    let members = metadata.workspace_packages();
    let names: BTreeSet<String> = members.iter().map(|it| it.name.to_string()).collect();
    let mut edges = BTreeSet::new();
    for package in members {
        for dependency in &package.dependencies {
            if names.contains(&dependency.name) {
                let kind = match dependency.kind {
                    DependencyKind::Development => Kind::Dev,
                    DependencyKind::Build => Kind::Build,
                    _ => Kind::Normal,
                };
                edges.insert((package.name.to_string(), dependency.name.clone(), kind));
            }
        }
    }
    (names, edges)
}

/// Why the table does not allow an edge, if so. A package's tests may use the package itself.
fn verdict(from: &str, to: &str, kind: Kind) -> Option<String> {
    let Some(row) = TABLE.iter().find(|row| row.package == from) else {
        return Some(format!("{from} is not in the table of layers"));
    };
    let allowed = match kind {
        Kind::Normal | Kind::Build => row.normal.contains(&to),
        Kind::Dev => to == from || row.normal.contains(&to) || row.dev.contains(&to),
    };
    (!allowed).then(|| format!("{from} may not depend on {to} ({kind:?})"))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

/// Why an engine may not depend on a package, if so.
fn impurity(graph: &Graph, node: &Node) -> Option<String> {
    if FORBIDDEN.iter().any(|pattern| matches(pattern, &node.name)) {
        return Some("is a runtime, randomness or a network".into());
    }
    if let Some(library) = &node.links {
        return Some(format!("links to {library}"));
    }
    if node.name.ends_with("-sys") {
        return Some("binds a native library".into());
    }
    let builds = node.uses.iter().filter(|(kind, _)| *kind == Kind::Build);
    let mut builders = builds.map(|(_, id)| graph[id].name.as_str());
    let builder = builders.find(|name| C_BUILDERS.contains(name))?;
    // With this feature the builder is there, but there is nothing to build.
    let pure = node.name == "blake3" && node.features.contains("pure");
    (!pure).then(|| format!("builds C code with {builder}"))
}

/// What a package depends on, through whatever, and should not. Tests do not count, and neither
/// do the dependencies of build scripts.
fn impurities(graph: &Graph, name: &str) -> Vec<String> {
    let start = graph.iter().find(|(_, node)| node.name == name);
    let start = start.unwrap_or_else(|| panic!("there is a package {name}"));
    let mut paths = vec![vec![start.0]];
    let mut seen = BTreeSet::from([start.0]);
    let mut found = Vec::new();
    while let Some(path) = paths.pop() {
        let node = &graph[path[path.len() - 1]];
        if let Some(why) = impurity(graph, node) {
            let path: Vec<_> = path.iter().map(|id| graph[*id].name.as_str()).collect();
            found.push(format!("{}: {} {why}", path.join(" -> "), node.name));
        }
        for (kind, id) in &node.uses {
            if *kind == Kind::Normal && seen.insert(id) {
                paths.push([path.clone(), vec![id]].concat());
            }
        }
    }
    found
}

#[test]
fn packages_use_only_what_is_below_them() {
    let (names, edges) = declared(&metadata());
    let table: BTreeSet<_> = TABLE.iter().map(|row| row.package.to_owned()).collect();
    assert_eq!(names, table, "the table has every package of the workspace");
    assert!(edges.len() > 20, "the edges are seen: {edges:?}");
    let wrong: Vec<_> = edges
        .iter()
        .filter_map(|(from, to, kind)| verdict(from, to, *kind))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_facade_has_engines_by_feature() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let facade = packages.iter().find(|it| it.name == FACADE);
    let dependencies = &facade.expect("there is a facade").dependencies;
    for engine in ENGINES {
        let normal = |kind| matches!(kind, DependencyKind::Normal);
        let mut own = dependencies.iter();
        let own = own.find(|it| it.name == engine && normal(it.kind));
        assert!(own.is_some_and(|it| it.optional), "{engine} is optional");
    }
}

#[test]
fn the_core_and_the_engines_are_pure() {
    let graph = graph(&metadata());
    for name in [CORE, PBFT, HOTSTUFF, TENDERMINT] {
        let found = impurities(&graph, name);
        assert!(found.is_empty(), "{found:#?}");
    }
    // What is known not to be pure is seen, so the graph is the real one.
    for (name, package) in [(NETWORK, "tokio"), (NETWORK, "libp2p"), (CRYPTO, "blst")] {
        let found = impurities(&graph, name);
        let named = format!(": {package} ");
        assert!(found.iter().any(|it| it.contains(&named)), "{found:#?}");
    }
}

#[test]
fn blake3_is_pure_wherever_it_is_declared() {
    // Features add up over a build, so the resolved ones do not tell who asks for what.
    let metadata = metadata();
    let mut declared = 0;
    for package in metadata.workspace_packages() {
        for dependency in package.dependencies.iter().filter(|it| it.name == "blake3") {
            declared += 1;
            let pure = dependency.features.iter().any(|it| it == "pure");
            assert!(pure, "{} declares blake3 without `pure`", package.name);
        }
    }
    assert!(declared > 0, "somebody hashes");
}

#[test]
fn the_table_catches_made_up_edges() {
    for (from, to, kind) in [
        (PBFT, HOTSTUFF, Kind::Dev),
        (PBFT, CRYPTO, Kind::Normal),
        (PBFT, SIMULATOR, Kind::Dev),
        (CORE, CRYPTO, Kind::Dev),
        (CORE, CORE, Kind::Normal),
        (REPLICA, STORAGE, Kind::Build),
        (REPLICA, NETWORK, Kind::Dev),
        (FACADE, SIMULATOR, Kind::Normal),
        ("quorate-node", SIMULATOR, Kind::Normal),
        ("quorate-newcomer", CORE, Kind::Normal),
    ] {
        assert!(verdict(from, to, kind).is_some(), "{from} -> {to} {kind:?}");
    }
    assert_eq!(verdict(PBFT, CRYPTO, Kind::Dev), None);
    assert_eq!(verdict(CORE, CORE, Kind::Dev), None);
    assert_eq!(verdict(FACADE, NETWORK, Kind::Normal), None);
}

/// A graph in which an engine uses `middle`, and that uses a package as described.
fn made_up(name: &str, links: Option<&str>, kind: Kind, builder: Option<&str>) -> Graph {
    let node = |name: &str, uses: &[(Kind, &str)]| Node {
        name: name.into(),
        uses: uses
            .iter()
            .map(|(kind, id)| (*kind, (*id).into()))
            .collect(),
        ..Node::default()
    };
    let builds: Vec<_> = builder.iter().map(|_| (Kind::Build, "builder")).collect();
    let last = Node {
        links: links.map(Into::into),
        ..node(name, &builds)
    };
    Graph::from([
        ("engine".into(), node(PBFT, &[(Kind::Normal, "middle")])),
        ("middle".into(), node("middle", &[(kind, "last")])),
        ("last".into(), last),
        ("builder".into(), node(builder.unwrap_or("none"), &[])),
    ])
}

#[test]
fn made_up_impurities_are_found() {
    let found = |graph: &Graph| impurities(graph, PBFT);
    for (name, links, builder) in [
        ("tokio", None, None),
        ("tokio-util", None, None),
        ("rand", None, None),
        ("rand_core", None, None),
        ("getrandom", None, None),
        ("libp2p-core", None, None),
        ("innocent", Some("z"), None),
        ("zstd-sys", None, None),
        ("innocent", None, Some("cc")),
        ("blake3", None, Some("cc")),
    ] {
        let graph = made_up(name, links, Kind::Normal, builder);
        let path = format!("{PBFT} -> middle -> {name}: ");
        let found = found(&graph);
        assert!(found.len() == 1 && found[0].starts_with(&path), "{found:?}");
        // What only tests and build scripts of others use is no business of engines.
        for kind in [Kind::Dev, Kind::Build] {
            assert!(impurities(&made_up(name, links, kind, builder), PBFT).is_empty());
        }
    }
    assert!(found(&made_up("innocent", None, Kind::Normal, Some("autocfg"))).is_empty());
    assert!(found(&made_up("randomly-named", None, Kind::Normal, None)).is_empty());
    let mut pure = made_up("blake3", None, Kind::Normal, Some("cc"));
    let blake3 = pure.get_mut("last").expect("it is the last");
    blake3.features.insert("pure".into());
    assert!(found(&pure).is_empty());
}
