//! Every value that a strategy makes is of its schema, and a failing one shrinks.

use counterpart_testing::strategy::{MessagePart, read_contract, strategy_for, strategy_for_schema};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::path::Path;

const VALUES: usize = 200;

fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Held against by another reading of the schema than the strategy's own.
fn validator(document: &Value, pointer: &str) -> jsonschema::Validator {
    let mut root = document.clone();
    root.as_object_mut().unwrap().retain(|key, _| !matches!(key.as_str(), "allOf" | "type" | "properties"));
    root["$ref"] = json!(format!("#{}", pointer.replace('{', "%7B").replace('}', "%7D")));
    jsonschema::draft202012::options().should_validate_formats(true).build(&root).unwrap()
}

/// Makes values, all of which have to be of the schema, and so do those that one shrinks to.
fn all_are_valid(document: &Value, pointer: &str) -> Vec<Value> {
    let strategy = strategy_for_schema(document, pointer).unwrap_or_else(|error| panic!("{error}"));
    let validator = validator(document, pointer);
    let check = |value: &Value| {
        let problems: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(
            problems.is_empty(),
            "{value} is not of {}: {problems:?}",
            document.pointer(pointer).unwrap()
        );
    };
    let mut runner = runner();
    let mut all = Vec::new();
    for _ in 0..VALUES {
        let mut tree = strategy.new_tree(&mut runner).unwrap();
        check(&tree.current());
        all.push(tree.current());
        for _ in 0..20 {
            if !tree.simplify() {
                break;
            }
            check(&tree.current());
        }
    }
    all
}

fn of(schema: &Value) -> Vec<Value> {
    all_are_valid(&json!({ "components": { "schemas": { "it": schema } } }), "/components/schemas/it")
}

fn error_of(schema: &Value) -> String {
    let document = json!({ "components": { "schemas": { "it": schema } } });
    strategy_for_schema(&document, "/components/schemas/it").map(drop).unwrap_err().to_string()
}

#[test]
fn numbers_keep_their_bounds_and_steps() {
    for schema in [
        json!({"type": "integer"}),
        json!({"type": "integer", "minimum": -3, "exclusiveMaximum": 4}),
        json!({"type": "integer", "minimum": 1.5, "maximum": 2.5}),
        json!({"type": "integer", "multipleOf": 7, "minimum": 1, "maximum": 100}),
        json!({"type": "integer", "multipleOf": 2.5, "minimum": -20, "maximum": 20}),
        json!({"type": "integer", "format": "int32"}),
        json!({"type": "integer", "minimum": 9_007_199_254_740_993_i64}),
        json!({"type": "number"}),
        json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
        json!({"type": "number", "minimum": 10}),
        json!({"type": "number", "multipleOf": 0.01, "minimum": 0, "maximum": 99}),
        json!({"type": "number", "multipleOf": 0.25, "exclusiveMinimum": 0, "exclusiveMaximum": 0.75}),
        json!({"minimum": 3, "maximum": 3}),
    ] {
        of(&schema);
    }
    assert!(
        of(&json!({"type": "integer", "minimum": -3, "exclusiveMaximum": 4})).contains(&json!(3)),
        "the last is reached"
    );
}

#[test]
fn texts_keep_their_lengths_patterns_and_formats() {
    for schema in [
        json!({"type": "string"}),
        json!({"type": "string", "minLength": 3, "maxLength": 3}),
        json!({"type": "string", "maxLength": 0}),
        json!({"type": "string", "pattern": "^[A-Z]{2}\\d{4}$"}),
        json!({"type": "string", "pattern": "^\\w+\\.(png|jpe?g)$", "maxLength": 20}),
        json!({"type": "string", "pattern": "-[\\d&&x[]+-"}),
        json!({"type": "string", "pattern": "^a\\/b\\u00e9.?\\s\\S$"}),
        json!({"type": "string", "pattern": "cost: \\$"}),
        json!({"type": "string", "format": "the-apis-own"}),
    ] {
        of(&schema);
    }
    for format in
        ["date-time", "date", "time", "uuid", "email", "hostname", "uri", "uri-reference", "ipv4", "ipv6"]
    {
        let made = of(&json!({"type": "string", "format": format}));
        assert!(made.iter().all(|text| !text.as_str().unwrap().is_empty()), "{format}");
    }
}

#[test]
fn lists_and_mappings_keep_theirs() {
    for schema in [
        json!({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3}),
        json!({"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 40}, "uniqueItems": true, "minItems": 2}),
        json!({"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 3}, "uniqueItems": true}),
        json!({"type": "array"}),
        json!({"type": "object", "required": ["a", "z"], "properties": {"a": {"type": "string"}, "b": {"type": "null"}}}),
        json!({"type": "object", "properties": {"a": {"const": 1}}, "additionalProperties": false}),
        json!({"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2, "maxProperties": 3}),
        json!({"required": ["a"], "additionalProperties": {"type": "boolean"}}),
        json!({"type": ["object", "null"], "properties": {"never": false}}),
    ] {
        of(&schema);
    }
    let optional = of(&json!({"type": "object", "properties": {"a": {"const": 1}}}));
    assert!(optional.contains(&json!({})) && optional.contains(&json!({"a": 1})), "it may be there or not");
}

#[test]
fn schemas_are_combined() {
    for schema in [
        json!({"enum": ["a", 1, null]}),
        json!({"type": "integer", "enum": ["a", 1, 2.0]}),
        json!({"const": {"a": [1]}}),
        json!({"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 2}]}),
        json!({"oneOf": [{"type": "integer", "maximum": 5, "minimum": 0}, {"type": "integer", "minimum": 3, "maximum": 9}]}),
        json!({"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "null"}}}),
        json!({"allOf": [
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 3}}},
            {"properties": {"a": {"maximum": 5}, "b": {"type": "string"}}, "required": ["b"]},
        ]}),
        json!({"allOf": [
            {"properties": {"a": {"type": "string"}}, "additionalProperties": false},
            {"properties": {"b": {"type": "string"}}},
        ]}),
        json!({"allOf": [{"enum": [1, 2, 3]}, {"enum": [2, 3, 4]}, {"minimum": 3}]}),
        json!({"allOf": [{"oneOf": [{"const": 1}, {"const": 2}]}, {"oneOf": [{"const": 2}, {"const": 3}]}]}),
        json!({"type": "integer", "minimum": 0, "maximum": 9, "not": {"multipleOf": 2}}),
        json!({"type": ["string", "null"], "description": "words", "x-own": 1, "default": "d"}),
    ] {
        of(&schema);
    }
    let both = of(&json!({"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 2}]}));
    assert!(both.iter().any(Value::is_string) && both.iter().any(Value::is_number));
}

#[test]
fn schemas_within_themselves_end() {
    let document = json!({"components": {"schemas": {
        "Tree": {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
            "name": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
            "parent": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Tree"}]},
        }},
        "Loop": {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/components/schemas/Loop"}}},
        "Described": {"$ref": "#/components/schemas/Tree", "description": "beside", "minProperties": 2},
    }}});
    let trees = all_are_valid(&document, "/components/schemas/Tree");
    let deep = |tree: &Value| tree["children"][0]["name"].is_string();
    assert!(trees.iter().any(deep), "it is within itself once at least");
    all_are_valid(&document, "/components/schemas/Described");
    let error = strategy_for_schema(&document, "/components/schemas/Loop").map(drop).unwrap_err().to_string();
    assert_eq!(error, "/components/schemas/Loop: contains itself without end: no value is finite");
}

#[test]
fn what_cannot_be_honoured_is_told_with_its_place() {
    let errors: Vec<String> = [
        json!({"type": "object", "properties": {"a/b": {"patternProperties": {}}}}),
        json!({"type": "string", "pattern": "(?=a)b"}),
        json!({"type": "string", "pattern": "a^b"}),
        json!({"type": "string", "format": "iri"}),
        json!({"type": "string", "nullable": true}),
        json!({"type": "string", "pattern": "^a{3}$", "maxLength": 2}),
        json!({"type": "integer", "minimum": 5, "maximum": 4}),
        json!({"type": "integer", "multipleOf": 0}),
        json!({"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": true, "minItems": 3}),
        json!({"allOf": [{"type": "string"}, {"type": "integer"}]}),
        json!({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}),
        json!({"$ref": "other.yaml#/a"}),
        json!({"$ref": "#/components/schemas/gone"}),
        json!({"type": "text"}),
        json!({"enum": ["a"], "type": "integer"}),
        json!({"oneOf": [{"type": "integer"}, {"type": "number", "multipleOf": 1}]}),
        json!(false),
    ]
    .map(|schema| error_of(&schema))
    .to_vec();
    insta::assert_snapshot!(errors.join("\n"), @r##"
    /components/schemas/it/properties/a~1b: `patternProperties` cannot be honoured when values are made; ask for a part without it
    /components/schemas/it: the pattern "(?=a)b" cannot be honoured: it looks ahead or behind
    /components/schemas/it: the pattern "a^b" cannot be honoured: `^` stands within it
    /components/schemas/it: texts of the format `iri` are not made
    /components/schemas/it: `nullable` says nothing in OpenAPI 3.1; write `type: [..., "null"]`
    /components/schemas/it: hardly any text of the `pattern` or `format` has a length that is allowed: 0 of 128 that were tried fit
    /components/schemas/it: no whole number lies between 5 and 4
    /components/schemas/it: `multipleOf` is 0; expected a number above 0 with at most 9 decimals
    /components/schemas/it: hardly any list has as many different items as `minItems` asks for: 0 of 128 that were tried fit
    /components/schemas/it/allOf/1: no value is both string and integer
    /components/schemas/it/allOf/1: two values of `pattern` have to hold at once, which cannot be honoured
    /components/schemas/it: refers to "other.yaml#/a", outside this file; bundle the contract into one file first
    /components/schemas/it: refers to "#/components/schemas/gone", where there is nothing
    /components/schemas/it: `type` is "text", which JSON has not
    /components/schemas/it: none of the values that are listed is allowed by the rest of the schema
    /components/schemas/it: hardly any value fits exactly one of the alternatives of `oneOf`: 0 of 128 that were tried fit
    /components/schemas/it: `false` allows no value at all
    "##);
}

#[test]
fn every_body_of_the_bundled_contracts_can_be_made() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
    let mut made = 0;
    for provider in ["github", "matrix", "order-service", "stripe", "zabbix"] {
        let contract = read_contract(&folder.join(format!("{provider}.openapi.yaml"))).unwrap();
        let document = contract.as_value().clone();
        for (_, item) in document["paths"].as_object().unwrap() {
            for (_, operation) in item.as_object().unwrap() {
                let Some(name) = operation["operationId"].as_str() else { continue };
                for status in operation["responses"].as_object().unwrap().keys() {
                    let part = MessagePart::Response(status.parse().unwrap());
                    if let Ok(strategy) = strategy_for(&contract, name, part) {
                        strategy.new_tree(&mut runner()).unwrap();
                        made += 1;
                    }
                }
            }
        }
    }
    assert!(made >= 8, "{made}");
    let contract = read_contract(&folder.join("matrix.openapi.yaml")).unwrap();
    let pointer = "/paths/~1_matrix~1client~1v3~1rooms~1{room_id}~1messages/get/responses/200/content/application~1json/schema";
    all_are_valid(contract.as_value(), pointer);
    let error =
        |operation: &str, part| strategy_for(&contract, operation, part).map(drop).unwrap_err().to_string();
    insta::assert_snapshot!(error("mesages", MessagePart::Response(200)), @"/paths: no operation has the operationId `mesages`; did you mean `messages`?");
    insta::assert_snapshot!(error("messages", MessagePart::Response(418)), @"/paths/~1_matrix~1client~1v3~1rooms~1{room_id}~1messages/get/responses: has no answer 418; there are: 200, 401, 403");
    insta::assert_snapshot!(error("messages", MessagePart::Request), @"/paths/~1_matrix~1client~1v3~1rooms~1{room_id}~1messages/get/requestBody: there is nothing: the contract tells of no body here");
}

#[test]
fn a_failing_value_shrinks_to_what_matters() {
    let schema = json!({"components": {"schemas": {"it": {
        "type": "object", "required": ["size", "note"], "properties": {
            "size": {"type": "integer", "minimum": 0, "maximum": 100_000},
            "note": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    }}}});
    let strategy = strategy_for_schema(&schema, "/components/schemas/it").unwrap();
    let failed = runner().run(&strategy, |value| {
        prop_assert!(value["size"].as_i64().unwrap() < 1_000);
        Ok(())
    });
    let Err(proptest::test_runner::TestError::Fail(_, least)) = failed else { panic!("{failed:?}") };
    assert_eq!(least, json!({"size": 1_000, "note": ""}));
}
