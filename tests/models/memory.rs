//! A file system in memory whose power can be cut at any call, and that then says everything that a
//! disk may have of it.
//!
//! It promises as little as POSIX does: a name is on the disk once its folder was synced, content once
//! its file was. Of everything else **any subset** may survive, in any combination; content that was
//! not synced is gone, torn, zeros or there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};

use standclear::model_store::files::{Files, Kind};

/// What is on a disk: files with their content, folders without.
pub type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

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
    File { bytes: Vec<u8>, synced: bool },
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
            let (folder, name) = world.place(path).expect("a folder");
            let node = match content {
                Some(bytes) => Node::File { bytes: bytes.clone(), synced: true },
                None => Node::Folder { now: Names::new(), durable: Names::new() },
            };
            world.put(folder, name, node);
            world.sync(folder);
        }
        Memory { world: RefCell::new(world) }
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
        world.collect(&folders, 0, Path::new(""), &mut tree, &mut Vec::new());
        tree
    }

    /// Everything that may be on the disk when the power is cut now.
    pub fn survivors(&self) -> impl Iterator<Item = Tree> {
        let world = self.world.borrow().clone();
        let pending = world.pending.len();
        assert!(pending <= PENDING_MAX, "{pending} changes are not synced: {:?}", world.pending);
        (0..1_usize << pending).flat_map(move |survive| world.with_changes(survive))
    }
}

impl World {
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
        self.collect(&folders, 0, Path::new(""), &mut tree, &mut unsynced);
        let mut trees = vec![tree];
        for path in unsynced {
            let variants = |tree: &Tree| {
                let whole = tree[&path].clone().expect("a file");
                let torn = whole[..whole.len() / 2].to_vec();
                let contents = [Vec::new(), torn, vec![0; whole.len()], whole];
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
        path: &Path,
        tree: &mut Tree,
        unsynced: &mut Vec<PathBuf>,
    ) {
        for (name, node) in &folders[folder] {
            let path = path.join(name);
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

impl Files for Memory {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        let (goes, answer) = world.call(true, false);
        if goes {
            let (folder, name) = world.place(path)?;
            world.is_free(folder, &name)?;
            let node = Node::Folder { now: Names::new(), durable: Names::new() };
            world.put(folder, name, node);
        }
        answer
    }

    fn write_new(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let mut world = self.world.borrow_mut();
        let (goes, answer) = world.call(true, false);
        let is_cut = world.is_off();
        let (folder, name) = world.place(path)?;
        world.is_free(folder, &name)?;
        let length = bytes.len() as u64;
        if !goes {
            // As far as it came.
            bytes.truncate(bytes.len() / 2);
        }
        let is_read_only =
            answer.as_ref().is_err_and(|it| it.kind() == ErrorKind::ReadOnlyFilesystem);
        if !is_cut && !is_read_only {
            world.put(folder, name, Node::File { bytes, synced: false });
        }
        answer.map(|()| length)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        let (goes, answer) = world.call(false, true);
        let keeps = !matches!(world.broken, Some(Broken::SyncFile(it)) if begins(path, it));
        if goes && keeps {
            let node = world.find(path)?;
            match &mut world.nodes[node] {
                Node::File { synced, .. } => *synced = true,
                Node::Folder { .. } => return Err(ErrorKind::IsADirectory.into()),
            }
        }
        answer
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        let (goes, answer) = world.call(false, true);
        let keeps = !matches!(world.broken, Some(Broken::SyncDir(it)) if begins(path, it));
        if goes && keeps {
            let folder = world.find(path)?;
            world.names(folder)?;
            world.sync(folder);
        }
        answer
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert_eq!(from.parent(), to.parent(), "names change within one folder");
        let mut world = self.world.borrow_mut();
        let (goes, answer) = world.call(false, false);
        if goes {
            let node = world.find(from)?;
            let (folder, to) = world.place(to)?;
            if let Some(&there) = world.names(folder)?.get(&to) {
                let takes_place = match (&world.nodes[node], &world.nodes[there]) {
                    (Node::File { .. }, Node::File { .. }) => true,
                    (Node::Folder { .. }, Node::Folder { .. }) => world.is_empty(there),
                    (Node::File { .. }, Node::Folder { .. })
                    | (Node::Folder { .. }, Node::File { .. }) => false,
                };
                if !takes_place {
                    return Err(ErrorKind::DirectoryNotEmpty.into());
                }
            }
            let from = parts(from).pop().expect("a name");
            world.change(folder, What::Move { from, to, node });
        }
        answer
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.remove(path, |world, node| matches!(world.nodes[node], Node::File { .. }))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.remove(path, World::is_empty)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        let world = self.world.borrow();
        if world.is_off() {
            return Err(failed(ErrorKind::BrokenPipe));
        }
        match &world.nodes[world.find(path)?] {
            Node::File { bytes, .. } => Ok(Box::new(Cursor::new(bytes.clone()))),
            Node::Folder { .. } => Err(ErrorKind::IsADirectory.into()),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let world = self.world.borrow();
        if world.is_off() {
            return Err(failed(ErrorKind::BrokenPipe));
        }
        Ok(world.names(world.find(path)?)?.keys().cloned().collect())
    }

    fn kind(&self, path: &Path) -> io::Result<Option<Kind>> {
        let world = self.world.borrow();
        if world.is_off() {
            return Err(failed(ErrorKind::BrokenPipe));
        }
        match world.find(path) {
            Ok(node) => Ok(Some(match &world.nodes[node] {
                Node::File { .. } => Kind::File,
                Node::Folder { .. } => Kind::Folder,
            })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Memory {
    fn remove(&self, path: &Path, may: impl Fn(&World, usize) -> bool) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        let (goes, answer) = world.call(false, false);
        if goes {
            let node = world.find(path)?;
            let (folder, name) = world.place(path)?;
            if !may(&world, node) {
                return Err(ErrorKind::DirectoryNotEmpty.into());
            }
            world.change(folder, What::Take { name, node });
        }
        answer
    }
}
