//! What each call does in the file system in memory, and what it says when there is trouble.

use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;

use standclear::model_store::files::{Files, Kind};

use super::{Broken, Memory, Names, Node, What, World, begins, failed, parts};

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
            world.put(folder, name, Node::File { bytes: bytes.into(), synced: false });
        }
        answer.map(|()| length)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        self.looks_at(&world);
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
        self.looks_at(&world);
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
