import Testing

@testable import ProtocolGenerator

@Suite("Parsing protocol descriptions")
struct ParserTests {
    private func parse(_ text: String) throws -> [Definition] {
        try Parser.definitions(file: "a.x", text: text)
    }

    private func complaint(_ text: String) -> String? {
        do throws(LanguageError) {
            _ = try Parser.definitions(file: "a.x", text: text)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("constants: decimal, hexadecimal, octal, negative, by name, without blanks")
    func constants() throws {
        let text = """
            const A = 12; const B = 0xEA7; const C=010;
            const D = -3; const E = A;
            """
        let values = try parse(text).map(\.body)
        #expect(
            values == [
                .constant(.number(12)), .constant(.number(0xEA7)), .constant(.number(8)),
                .constant(.number(-3)), .constant(.constant("A")),
            ])
    }

    @Test("every type, in every shape")
    func declarations() throws {
        let texts = [
            "int a", "unsigned int a", "hyper a", "unsigned hyper a", "float a", "double a",
            "quadruple a", "bool a", "char a", "unsigned char a", "short a", "unsigned short a",
            "remote_uuid a", "string a<>", "string a<MAX>", "opaque a<5>", "opaque a[16]",
            "char a[32]", "remote_string *a", "remote_uuid a<MAX>", "void",
        ]
        for text in texts {
            #expect(try Parser.declaration(text).description == text)
        }
        #expect(try Parser.declaration("unsigned a") == Parser.declaration("unsigned int a"))
    }

    @Test("structures, enumerations, aliases")
    func definitions() throws {
        let text = """
            typedef opaque id[16];
            struct s { /* a remark */ id x; int y<3>; };  // another
            enum e { ONE = 1, TWO = 2 };
            """
        let definitions = try parse(text)
        #expect(definitions.map(\.name) == ["id", "s", "e"])
        #expect(definitions.map(\.line) == [1, 2, 3])
        let id = Declaration(type: .opaque, name: "id", shape: .fixed(.number(16)))
        #expect(definitions[0].body == .alias(id))
        let fields = [
            Declaration(type: .named("id"), name: "x"),
            Declaration(type: .int, name: "y", shape: .variable(.number(3))),
        ]
        #expect(definitions[1].body == .structure(fields))
        let members = [
            Definition.Member(name: "ONE", value: .number(1)),
            Definition.Member(name: "TWO", value: .number(2)),
        ]
        #expect(definitions[2].body == .enumeration(members))
    }

    @Test("unions: several labels to an arm, void, default")
    func unions() throws {
        let text = """
            union u switch (int type) {
             case A: int i;
             case B: case 7: void;
             default: string s<9>;
            };
            """
        guard case .union(let discriminant, let arms) = try parse(text)[0].body else {
            Issue.record("this is no union")
            return
        }
        #expect(discriminant == Declaration(type: .int, name: "type"))
        #expect(arms.map(\.labels) == [[.constant("A")], [.constant("B"), .number(7)], []])
        #expect(arms.map(\.declaration.description) == ["int i", "void", "string s<9>"])
    }

    @Test("lines for the C compiler are passed over, and counted")
    func passThrough() {
        let text = "%#include \"a.h\"\n\n%{ = ;\nconst = 1;"
        #expect(complaint(text) == "a.x:4: expected a name, found '='")
    }

    @Test("documentation goes with what follows it")
    func comments() throws {
        let text = """
            /** Of the structure. */
            struct s {
                /* Not kept. */
                int a;
                /**
                 * Two
                 * lines.
                 */
                int b;
            };
            """
        let definition = try parse(text)[0]
        #expect(definition.comment == "Of the structure.")
        guard case .structure(let fields) = definition.body else { return }
        #expect(fields.map(\.comment) == [nil, "Two\nlines."])
    }

    @Test(
        "what is wrong is told with its line",
        arguments: [
            ("program P { };", "a.x:1: expected const, typedef, enum, struct or union, found"),
            ("const A = 1", "a.x:1: expected ';', found the end of the file"),
            ("\nconst A = ;", "a.x:2: expected a number or a constant, found ';'"),
            ("const A = 0xG;", "a.x:1: expected a number, found '0x'"),
            ("const A = 09;", "a.x:1: expected a number, found '09'"),
            ("struct s { int a };", "a.x:1: expected ';', found '}'"),
            ("struct s { };", "a.x:1: expected a type, found '}'"),
            ("struct s {\n struct t x; };", "a.x:2: expected a type's name (define the struct"),
            ("struct s { string a; };", "a.x:1: expected '<' after a string's name, found ';'"),
            ("struct s { string *a; };", "a.x:1: expected '<' after a string's name"),
            ("struct s { opaque a; };", "a.x:1: expected '[' or '<' after the name of opaque"),
            ("typedef void;", "a.x:1: expected a type other than void, found ';'"),
            ("enum e { A };", "a.x:1: expected '=', found '}'"),
            ("union u (int a) { };", "a.x:1: expected 'switch', found '('"),
            ("union u switch (int a) { int b; };", "a.x:1: expected 'case' or 'default', found"),
            ("const A = 1; $", "a.x:1: unexpected '$'"),
            ("\n\n/* never\nends", "a.x:3: the comment has no end"),
        ])
    func errors(_ text: String, _ expected: String) throws {
        let complaint = try #require(self.complaint(text))
        #expect(complaint.hasPrefix(expected))
    }

    @Test("annotations are read, prose among them is not")
    func annotations() throws {
        let annotations = try Annotations(
            comment: """
                Some prose.
                @generate: both
                @readstream: 2
                @sparseflag: FLAG
                @priority: high
                @acl: domain:read
                @acl: domain:write:FLAG
                @aclfilter: domain:getattr
                """, file: "a.x", line: 7)
        #expect(annotations.generate == "both")
        #expect(annotations.stream == "read")
        #expect(annotations.sparseFlag == "FLAG")
        #expect(annotations.priority == "high")
        #expect(annotations.acl == ["domain:read", "domain:write:FLAG"])
        #expect(annotations.aclFilter == ["domain:getattr"])
        #expect(try Annotations(comment: "@acl: none", file: "", line: 1).acl == [])
        #expect(try Annotations(comment: nil, file: "", line: 1).acl == nil)
        let unknown = #expect(throws: LanguageError.self) {
            try Annotations(comment: "@colour: red", file: "a.x", line: 7)
        }
        #expect(unknown?.description == "a.x:7: unknown annotation '@colour'")
        #expect(throws: LanguageError.self) {
            try Annotations(comment: "@generate", file: "a.x", line: 7)
        }
    }
}
