//! A file system in memory whose power can be cut at any call, and that then says everything that a
//! disk may have of it.
//!
//! It promises as little as POSIX does: a name is on the disk once its folder was synced, content once
//! its file was. Of everything else **any subset** may survive, in any combination; content that was
//! not synced is gone, torn, zeros or there.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::rc::Rc;

#[path = "calls.rs"]
mod calls;

/// What is on a disk: files with their content, folders without. Millions are made and compared, so
/// paths are plain texts and content is shared.
pub type Tree = BTreeMap<String, Option<Rc<[u8]>>>;

/// More changes that may or may not survive than this would take too long to enumerate.
const PENDING_MAX: usize = 16;

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing happens from then on.
    PowerCut,
    /// This call fails.
    Fails(ErrorKind),
    /// This call does its work, and says that it failed.
    FailsAfterwards(ErrorKind),
    /// From then on there is no room for anything new.
    Full,
    /// From then on nothing can be changed.
    ReadOnly,
}

/// A promise that a disk does not keep, of everything whose name begins like this; the root has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    SyncFile(&'static str),
    SyncDir(&'static str),
}

fn begins(path: &Path, start: &str) -> bool {
    match path.file_name() {
        Some(name) => !start.is_empty() && name.to_string_lossy().starts_with(start),
        None => start.is_empty(),
    }
}

#[derive(Debug)]
pub struct Memory {
    world: RefCell<World>,
    /// What there was just before each sync, where that is kept.
    before_syncs: Option<RefCell<Vec<World>>>,
}

#[derive(Clone, Debug)]
struct World {
    nodes: Vec<Node>,
    /// Changes of names that no sync has brought to the disk, in their order.
    pending: Vec<Change>,
    calls: usize,
    trouble: Option<(usize, Trouble)>,
    broken: Option<Broken>,
}

/// The root is the first.
#[derive(Clone, Debug)]
enum Node {
    File { bytes: Rc<[u8]>, synced: bool },
    Folder { now: Names, durable: Names },
}

type Names = BTreeMap<String, usize>;

#[derive(Clone, Debug)]
struct Change {
    folder: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Put { name: String, node: usize },
    Take { name: String, node: usize },
    Move { from: String, to: String, node: usize },
}

impl What {
    fn apply(&self, names: &mut Names) {
        let drop_if = |names: &mut Names, name: &String, node: &usize| {
            if names.get(name) == Some(node) {
                names.remove(name);
            }
        };
        match self {
            What::Put { name, node } => {
                names.insert(name.clone(), *node);
            }
            What::Take { name, node } => drop_if(names, name, node),
            What::Move { from, to, node } => {
                drop_if(names, from, node);
                names.insert(to.clone(), *node);
            }
        }
    }
}

fn failed(kind: ErrorKind) -> io::Error {
    io::Error::new(kind, "the test wants it so")
}

fn parts(path: &Path) -> Vec<String> {
    path.components().map(|it| it.as_os_str().to_string_lossy().into_owned()).collect()
}

impl Memory {
    pub fn empty() -> Memory {
        Memory::of(&Tree::new())
    }

    /// All of it on the disk.
    pub fn of(tree: &Tree) -> Memory {
        let root = Node::Folder { now: Names::new(), durable: Names::new() };
        let mut world =
            World { nodes: vec![root], pending: Vec::new(), calls: 0, trouble: None, broken: None };
        // Folders come before what is in them.
        for (path, content) in tree {
            let (folder, name) = world.place(Path::new(path)).expect("a folder");
            let node = match content {
                Some(bytes) => Node::File { bytes: bytes.clone(), synced: true },
                None => Node::Folder { now: Names::new(), durable: Names::new() },
            };
            world.put(folder, name, node);
            world.sync(folder);
        }
        Memory { world: RefCell::new(world), before_syncs: None }
    }

    /// Keeps what [`Memory::survivors_of_any_cut`] needs.
    pub fn looking_back(self) -> Memory {
        Memory { before_syncs: Some(RefCell::default()), ..self }
    }

    pub fn with(self, at: usize, trouble: Trouble) -> Memory {
        self.world.borrow_mut().trouble = Some((at, trouble));
        self
    }

    pub fn breaking(self, broken: Broken) -> Memory {
        self.world.borrow_mut().broken = Some(broken);
        self
    }

    pub fn heal(&self) {
        self.world.borrow_mut().trouble = None;
    }

    /// Calls so far that change something.
    pub fn calls(&self) -> usize {
        self.world.borrow().calls
    }

    /// As everybody sees it who asks now.
    pub fn now(&self) -> Tree {
        let world = self.world.borrow();
        let names = |node: &Node| match node {
            Node::Folder { now, .. } => now.clone(),
            Node::File { .. } => Names::new(),
        };
        let folders: Vec<Names> = world.nodes.iter().map(names).collect();
        let mut tree = Tree::new();
        world.collect(&folders, 0, "", &mut tree, &mut Vec::new());
        tree
    }

    /// Everything that may be on the disk when the power is cut now.
    pub fn survivors(&self) -> impl Iterator<Item = Tree> {
        self.world.borrow().clone().survivors()
    }

    /// Everything that may be on the disk when the power was cut at any call so far, each once.
    ///
    /// Only a sync takes something off what may survive. So whatever may survive at any moment may
    /// still at the last one before the next sync: it is enough to ask there, and at the end.
    pub fn survivors_of_any_cut(&self) -> BTreeSet<Tree> {
        let worlds = self.before_syncs.as_ref().expect("looks back").borrow().clone();
        let end = self.world.borrow().clone();
        worlds.into_iter().chain([end]).flat_map(World::survivors).collect()
    }

    fn looks_at(&self, world: &World) {
        if let Some(worlds) = &self.before_syncs {
            worlds.borrow_mut().push(world.clone());
        }
    }
}

impl World {
    fn survivors(self) -> impl Iterator<Item = Tree> {
        let pending = self.pending.len();
        assert!(pending <= PENDING_MAX, "{pending} changes are not synced: {:?}", self.pending);
        (0..1_usize << pending).flat_map(move |survive| self.with_changes(survive))
    }

    /// With these of the changes, all contents that unsynced files may have.
    fn with_changes(&self, survive: usize) -> Vec<Tree> {
        let names = |node: &Node| match node {
            Node::Folder { durable, .. } => durable.clone(),
            Node::File { .. } => Names::new(),
        };
        let mut folders: Vec<Names> = self.nodes.iter().map(names).collect();
        for (bit, change) in self.pending.iter().enumerate() {
            if survive >> bit & 1 == 1 {
                change.what.apply(&mut folders[change.folder]);
            }
        }
        let (mut tree, mut unsynced) = (Tree::new(), Vec::new());
        self.collect(&folders, 0, "", &mut tree, &mut unsynced);
        let mut trees = vec![tree];
        for path in unsynced {
            let variants = |tree: &Tree| {
                let whole = tree[&path].clone().expect("a file");
                let torn = whole[..whole.len() / 2].into();
                let contents = [Rc::default(), torn, vec![0; whole.len()].into(), whole];
                contents.map(|bytes| {
                    let mut tree = tree.clone();
                    tree.insert(path.clone(), Some(bytes));
                    tree
                })
            };
            trees = trees.iter().flat_map(variants).collect();
        }
        trees
    }

    fn collect(
        &self,
        folders: &[Names],
        folder: usize,
        path: &str,
        tree: &mut Tree,
        unsynced: &mut Vec<String>,
    ) {
        for (name, node) in &folders[folder] {
            let path = match path {
                "" => name.clone(),
                folder => format!("{folder}/{name}"),
            };
            match &self.nodes[*node] {
                Node::File { bytes, synced } => {
                    tree.insert(path.clone(), Some(bytes.clone()));
                    if !synced {
                        unsynced.push(path);
                    }
                }
                Node::Folder { .. } => {
                    tree.insert(path.clone(), None);
                    self.collect(folders, *node, &path, tree, unsynced);
                }
            }
        }
    }

    /// Whether a call is to be done, and what it says then.
    fn call(&mut self, makes_something: bool, syncs: bool) -> (bool, io::Result<()>) {
        let at = self.calls;
        self.calls += 1;
        match self.trouble {
            None => (true, Ok(())),
            Some((from, trouble)) => match trouble {
                Trouble::PowerCut if at >= from => (false, Err(failed(ErrorKind::BrokenPipe))),
                Trouble::Fails(kind) if at == from => (false, Err(failed(kind))),
                Trouble::FailsAfterwards(kind) if at == from => (true, Err(failed(kind))),
                Trouble::Full if at >= from && makes_something => {
                    (false, Err(failed(ErrorKind::StorageFull)))
                }
                Trouble::ReadOnly if at >= from && !syncs => {
                    (false, Err(failed(ErrorKind::ReadOnlyFilesystem)))
                }
                Trouble::PowerCut
                | Trouble::Fails(_)
                | Trouble::FailsAfterwards(_)
                | Trouble::Full
                | Trouble::ReadOnly => (true, Ok(())),
            },
        }
    }

    fn is_off(&self) -> bool {
        self.trouble.is_some_and(|(from, it)| it == Trouble::PowerCut && self.calls > from)
    }

    fn names(&self, folder: usize) -> io::Result<&Names> {
        match &self.nodes[folder] {
            Node::Folder { now, .. } => Ok(now),
            Node::File { .. } => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        parts(path).iter().try_fold(0, |folder, name| -> io::Result<usize> {
            self.names(folder)?.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
        })
    }

    fn place(&self, path: &Path) -> io::Result<(usize, String)> {
        let folder = self.find(path.parent().expect("not the root"))?;
        Ok((folder, parts(path).pop().expect("a name")))
    }

    fn put(&mut self, folder: usize, name: String, node: Node) {
        self.nodes.push(node);
        let node = self.nodes.len() - 1;
        self.change(folder, What::Put { name, node });
    }

    fn change(&mut self, folder: usize, what: What) {
        match &mut self.nodes[folder] {
            Node::Folder { now, .. } => what.apply(now),
            Node::File { .. } => panic!("a file has no names"),
        }
        self.pending.push(Change { folder, what });
    }

    fn sync(&mut self, folder: usize) {
        match &mut self.nodes[folder] {
            Node::Folder { now, durable } => durable.clone_from(now),
            Node::File { .. } => panic!("a file has no names"),
        }
        self.pending.retain(|change| change.folder != folder);
        // What nothing can lead to any more may be whatever it is.
        let reachable = self.reachable();
        self.pending.retain(|change| reachable.contains(&change.folder));
    }

    fn reachable(&self) -> Vec<usize> {
        let mut reachable = vec![0];
        let mut next = 0;
        while let Some(&folder) = reachable.get(next) {
            next += 1;
            if let Node::Folder { now, durable } = &self.nodes[folder] {
                reachable.extend(now.values().chain(durable.values()));
                let ways = self.pending.iter().filter(|it| it.folder == folder);
                reachable.extend(ways.map(|it| match it.what {
                    What::Put { node, .. } | What::Take { node, .. } | What::Move { node, .. } => {
                        node
                    }
                }));
            }
        }
        reachable
    }

    fn is_free(&self, folder: usize, name: &str) -> io::Result<()> {
        match self.names(folder)?.contains_key(name) {
            true => Err(ErrorKind::AlreadyExists.into()),
            false => Ok(()),
        }
    }

    fn is_empty(&self, node: usize) -> bool {
        self.names(node).is_ok_and(BTreeMap::is_empty)
    }
}
