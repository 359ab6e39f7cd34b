//! Refuses to build a box without its page: `src/web/page.rs` puts `web/dist` into the binary.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
    println!("cargo:rerun-if-changed=build.rs");
    if !Path::new("web/dist/index.html").is_file() {
        println!(
            "cargo:error=the page is not built: run scripts/setup (web/dist/index.html is missing)"
        );
        std::process::exit(1);
    }
}
