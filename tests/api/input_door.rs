//! The fake's machine inputs: it notes what was said, and takes one name badly for each reason.

use standclear::guard::handle::{InputValue, Inputs, SetInputError};

use super::Fake;

impl Inputs for Fake {
    fn set_input(&self, name: &str, value: InputValue, by: &str) -> Result<(), SetInputError> {
        match name {
            "press-3-running" => {}
            "by-mqtt" => return Err(SetInputError::NotPosted),
            "flooded" => return Err(SetInputError::Busy),
            _ => return Err(SetInputError::UnknownInput),
        }
        let said = (name.to_owned(), value, by.to_owned());
        self.inputs.lock().expect("not poisoned").push(said);
        Ok(())
    }
}
