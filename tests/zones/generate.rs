//! Instances of a JSON Schema, by walking it: valid ones, and ones with a single slip.

use std::cell::Cell;

use serde_json::{Map, Value, json};

/// A small generator of random numbers; a test names its seed when it fails (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// 0..=1, with the ends more often than chance gives them.
    pub fn fraction(&mut self) -> f64 {
        match self.below(8) {
            0 => 0.0,
            1 => 1.0,
            _ => self.next() as f64 / u64::MAX as f64,
        }
    }
}

/// Texts of every kind the schema asks for, and of no kind.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "gate",
        "gate road ",
        " gate",
        "Tor „Süd“",
        "a\nb",
        "x\u{85}y",
        "\u{feff}gate",
        "🚧",
        "06:00",
        "23:59",
        "24:00",
        "24:01",
        "00:00",
        "6:00",
        "12:60",
        "2026-12-24",
        "2026-02-30",
        "2026-2-3",
        "20261224",
        "1999-01-01",
        "2026-12-20T00:00:00Z",
        "2026-12-20T23:59:59.5+02:00",
        "2026-12-20T00:00:00.123456789-11:30",
        "2026-02-30T00:00:00Z",
        "2026-12-20T24:00:00Z",
        "2026-12-20T00:00:60Z",
        "2026-12-20 00:00:00Z",
        "2026-12-20T00:00:00",
        "all_day",
        "never",
        "foot",
        "mon",
        "on",
        "restricted",
        "Polygon",
        "2026-12-20T00:00:00+24:00",
    ]
    .map(str::to_owned)
    .to_vec();
    for length in [64, 65, 80, 81, 200, 201, 500, 501] {
        texts.push("é".repeat(length));
    }
    texts
}

/// A schema with what its texts may be.
pub struct Schema {
    root: Value,
    texts: Vec<String>,
    /// Bounds to keep before one is overstepped; `None`: all are kept.
    kept: Cell<Option<usize>>,
}

impl Schema {
    pub fn new(root: Value) -> Schema {
        Schema { root, texts: texts(), kept: Cell::new(None) }
    }

    pub fn instance(&self, dice: &mut Dice) -> Value {
        self.of(&self.root, dice)
    }

    /// An instance in which one number, list or text is just beyond its bound.
    pub fn overstepped(&self, dice: &mut Dice) -> Value {
        self.kept.set(Some(dice.below(40)));
        let instance = self.of(&self.root, dice);
        self.kept.set(None);
        instance
    }

    /// Whether the bound at hand is the one to overstep.
    fn oversteps(&self) -> bool {
        let kept = self.kept.get();
        self.kept.set(kept.and_then(|left| left.checked_sub(1)));
        kept == Some(0)
    }

    fn of(&self, node: &Value, dice: &mut Dice) -> Value {
        if let Some(target) = node.get("$ref").and_then(Value::as_str) {
            let path = target.strip_prefix('#').expect("a local reference");
            return self.of(self.root.pointer(path).expect("a definition"), dice);
        }
        if let Some(value) = node.get("const") {
            return value.clone();
        }
        for choice in ["enum", "oneOf"] {
            if let Some(list) = node.get(choice).and_then(Value::as_array) {
                let picked = dice.pick(list);
                return if choice == "enum" { picked.clone() } else { self.of(picked, dice) };
            }
        }
        match node.get("type").and_then(Value::as_str) {
            Some("object") => self.object(node, dice),
            Some("array") => self.array(node, dice),
            Some("integer") => {
                let (min, max) = (bound(node, "minimum") as u64, bound(node, "maximum") as u64);
                if self.oversteps() {
                    return dice.pick(&[json!(min as i64 - 1), json!(max + 1)]).clone();
                }
                match dice.below(4) {
                    0 => json!(min),
                    1 => json!(max),
                    // A whole number may be written with a point.
                    2 => json!(min as f64),
                    _ => json!(min + dice.next() % (max - min + 1)),
                }
            }
            Some("number") => {
                let (min, max) = (bound(node, "minimum"), bound(node, "maximum"));
                if self.oversteps() {
                    return dice.pick(&[json!(min - 1e-9), json!(max + 1e-9)]).clone();
                }
                json!((min + (max - min) * dice.fraction()).clamp(min, max))
            }
            Some("string") => self.text(node, dice),
            None => json!({"anything": [1, null]}),
            Some(other) => panic!("the walk does not know the type {other}"),
        }
    }

    fn object(&self, node: &Value, dice: &mut Dice) -> Value {
        let required: Vec<&str> = node["required"]
            .as_array()
            .expect("required")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let mut object = Map::new();
        for (name, member) in node["properties"].as_object().expect("properties") {
            if required.contains(&name.as_str()) || dice.one_in(3) {
                object.insert(name.clone(), self.of(member, dice));
            }
        }
        Value::Object(object)
    }

    fn array(&self, node: &Value, dice: &mut Dice) -> Value {
        if let Some(items) = node.get("prefixItems").and_then(Value::as_array) {
            return items.iter().map(|item| self.of(item, dice)).collect();
        }
        let min = node.get("minItems").and_then(Value::as_u64).unwrap_or(0) as usize;
        let max = node["maxItems"].as_u64().expect("every list has an end") as usize;
        let length = match dice.below(300) {
            _ if self.oversteps() => match min.checked_sub(1) {
                Some(fewer) if max > 600 || dice.one_in(2) => fewer,
                _ => max + 1,
            },
            0 if max <= 64 => max,
            _ => (min + dice.below(3)).min(max),
        };
        let mut items: Vec<Value> = Vec::new();
        for _ in 0..length {
            let item = self.of(&node["items"], dice);
            if node.get("uniqueItems") != Some(&Value::Bool(true)) || !items.contains(&item) {
                items.push(item);
            }
        }
        Value::Array(items)
    }

    fn text(&self, node: &Value, dice: &mut Dice) -> Value {
        if self.oversteps() {
            return match node.get("maxLength").and_then(Value::as_u64) {
                Some(max) => json!("a".repeat(max as usize + 1)),
                None => json!(dice.pick(&self.texts)),
            };
        }
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(node)
            .expect("a schema of a text");
        for _ in 0..1000 {
            let text = json!(dice.pick(&self.texts));
            if validator.is_valid(&text) {
                return text;
            }
        }
        panic!("no text fits {node}")
    }

    /// One slip somewhere in an instance; it may happen to be none.
    pub fn slip(&self, instance: &mut Value, dice: &mut Dice) {
        let mut places = Vec::new();
        pointers(instance, String::new(), &mut places);
        let place = dice.pick(&places).clone();
        let value = instance.pointer_mut(&place).expect("a place");
        match (dice.below(4), value) {
            (0 | 1, Value::Object(members)) => {
                if dice.one_in(2) || members.is_empty() {
                    let names = ["id", "count", "criterion", "dwell_ms", "dwel_ms", "reason", ""];
                    members.insert((*dice.pick(&names)).to_owned(), json!(1));
                } else {
                    let names: Vec<String> = members.keys().cloned().collect();
                    members.remove(dice.pick(&names));
                }
            }
            (0 | 1, Value::Array(items)) => {
                if dice.one_in(2) || items.is_empty() {
                    items.push(items.first().cloned().unwrap_or(Value::Null));
                } else {
                    items.pop();
                }
            }
            (0 | 1, Value::Number(number)) => {
                let was = number.as_f64().expect("a float");
                let by = dice.pick(&[1.0, -1.0, 1e-9, -1e-9, 0.5, 1e6, -1e6, 1e300]);
                *instance.pointer_mut(&place).expect("a place") = json!(was + by);
            }
            (0 | 1, Value::String(text)) => *text = dice.pick(&self.texts).clone(),
            (_, value) => {
                let others = [
                    json!(null),
                    json!(true),
                    json!(0),
                    json!(-1),
                    json!("x"),
                    json!([]),
                    json!({}),
                ];
                *value = dice.pick(&others).clone();
            }
        }
    }
}

fn bound(node: &Value, name: &str) -> f64 {
    node[name].as_f64().expect("every number has its bounds")
}

/// Every place of an instance, as a JSON pointer.
fn pointers(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, format!("{at}/{name}"), into);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{index}"), into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    into.push(at);
}
