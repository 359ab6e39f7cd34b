//! Writes tiny ONNX models by hand: as much of the format's protocol buffers as they need.
//!
//! Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).

/// Operators of this version are used.
const OPSET: u64 = 13;

/// The format's version that came with it.
const IR_VERSION: u64 = 7;

/// `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    F32 = 1,
    U8 = 2,
    I32 = 6,
    I64 = 7,
    Bool = 9,
    F64 = 11,
}

/// `AttributeProto`, as much of it as is needed.
#[derive(Clone, Debug)]
pub enum Attribute {
    Whole(i64),
    Float(f32),
    Wholes(Vec<i64>),
    /// What `If` and `Loop` run; it sees the names of the graph around it.
    Graph(Model),
}

/// A graph that grows by one thing after the other; nodes in the order in which they run.
#[derive(Clone, Debug, Default)]
pub struct Model {
    graph: Vec<u8>,
}

impl Model {
    /// An input; negative dimensions are open.
    pub fn input(self, name: &str, kind: Type, dimensions: &[i64]) -> Model {
        self.with(11, &value_info(name, kind, dimensions))
    }

    /// An output; negative dimensions are open.
    pub fn output(self, name: &str, kind: Type, dimensions: &[i64]) -> Model {
        self.with(12, &value_info(name, kind, dimensions))
    }

    /// A constant of floats.
    pub fn floats(self, name: &str, dimensions: &[i64], values: &[f32]) -> Model {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.with(5, &tensor(name, Type::F32, dimensions, &raw))
    }

    /// A constant of whole numbers.
    pub fn integers(self, name: &str, dimensions: &[i64], values: &[i64]) -> Model {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.with(5, &tensor(name, Type::I64, dimensions, &raw))
    }

    /// An operator with whole-number attributes.
    pub fn node(
        self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[(&str, i64)],
    ) -> Model {
        let attributes: Vec<(&str, Attribute)> =
            attributes.iter().map(|(name, value)| (*name, Attribute::Whole(*value))).collect();
        self.operation(operator, inputs, &[output], &attributes)
    }

    /// An operator with attributes and outputs of any kind.
    pub fn operation(
        self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Attribute)],
    ) -> Model {
        let mut node = Vec::new();
        inputs.iter().for_each(|input| field(&mut node, 1, input.as_bytes()));
        outputs.iter().for_each(|output| field(&mut node, 2, output.as_bytes()));
        field(&mut node, 4, operator.as_bytes());
        attributes.iter().for_each(|(name, value)| field(&mut node, 5, &value.message(name)));
        self.with(1, &node)
    }

    /// The graph alone.
    fn graph(&self) -> Vec<u8> {
        let mut graph = self.graph.clone();
        field(&mut graph, 2, b"tiny");
        graph
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let graph = self.graph();
        let mut opset = Vec::new();
        field(&mut opset, 1, b"");
        number(&mut opset, 2, OPSET);
        let mut model = Vec::new();
        number(&mut model, 1, IR_VERSION);
        field(&mut model, 7, &graph);
        field(&mut model, 8, &opset);
        model
    }

    fn with(mut self, number: u64, message: &[u8]) -> Model {
        field(&mut self.graph, number, message);
        self
    }
}

impl Attribute {
    fn message(&self, name: &str) -> Vec<u8> {
        let mut message = Vec::new();
        field(&mut message, 1, name.as_bytes());
        // AttributeProto.AttributeType
        let kind = match self {
            Attribute::Float(value) => {
                variable(&mut message, 2 << 3 | 5);
                message.extend_from_slice(&value.to_le_bytes());
                1
            }
            Attribute::Whole(value) => {
                number(&mut message, 3, *value as u64);
                2
            }
            Attribute::Graph(model) => {
                field(&mut message, 6, &model.graph());
                5
            }
            Attribute::Wholes(values) => {
                values.iter().for_each(|value| number(&mut message, 8, *value as u64));
                7
            }
        };
        number(&mut message, 20, kind);
        message
    }
}

fn value_info(name: &str, kind: Type, dimensions: &[i64]) -> Vec<u8> {
    let mut shape = Vec::new();
    for (n, dimension) in dimensions.iter().enumerate() {
        let mut message = Vec::new();
        match u64::try_from(*dimension) {
            Ok(length) => number(&mut message, 1, length),
            Err(_) => field(&mut message, 2, format!("{name}_{n}").as_bytes()),
        }
        field(&mut shape, 1, &message);
    }
    let (mut of_tensor, mut of_type, mut info) = (Vec::new(), Vec::new(), Vec::new());
    number(&mut of_tensor, 1, kind as u64);
    field(&mut of_tensor, 2, &shape);
    field(&mut of_type, 1, &of_tensor);
    field(&mut info, 1, name.as_bytes());
    field(&mut info, 2, &of_type);
    info
}

fn tensor(name: &str, kind: Type, dimensions: &[i64], raw: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    dimensions.iter().for_each(|dimension| number(&mut message, 1, *dimension as u64));
    number(&mut message, 2, kind as u64);
    field(&mut message, 8, name.as_bytes());
    field(&mut message, 9, raw);
    message
}

/// A field of bytes: text, or a message.
fn field(into: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    variable(into, field << 3 | 2);
    variable(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

/// A field with a whole number.
fn number(into: &mut Vec<u8>, field: u64, value: u64) {
    variable(into, field << 3);
    variable(into, value);
}

/// Seven bits a byte, the lowest first.
fn variable(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}
