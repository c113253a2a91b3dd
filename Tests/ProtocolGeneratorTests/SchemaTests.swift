import Testing

@testable import ProtocolGenerator

@Suite("Types in Swift")
struct SchemaTests {
    private func schema(_ text: String) throws -> Schema {
        try Schema(file: "a.x", definitions: Parser.definitions(file: "a.x", text: text))
    }

    private let names = """
        const MAX = 64;
        typedef string name<MAX>;
        typedef name *maybe;
        typedef opaque id[16];
        enum e { A = 1 };
        struct s { id x; name y; hyper z; };
        typedef s *maybe_s;
        """

    @Test(
        "each form has its type",
        arguments: [
            ("int a", "Int32"), ("unsigned a", "UInt32"), ("hyper a", "Int64"),
            ("unsigned hyper a", "UInt64"), ("bool a", "Bool"), ("char a", "Int8"),
            ("unsigned char a", "UInt8"), ("unsigned short a", "UInt16"), ("double a", "Double"),
            ("int a<MAX>", "[Int32]"), ("int a[3]", "[Int32]"), ("int *a", "Int32?"),
            ("char a[3]", "[UInt8]"), ("char a<MAX>", "[UInt8]"), ("opaque a<>", "[UInt8]"),
            ("opaque a[7]", "XDRFixedOpaque<7>"), ("string a<9>", "XDRString"),
            ("name a", "XDRString"), ("name *a", "XDRString?"), ("maybe a", "XDRString?"),
            ("name a<MAX>", "[XDRString]"), ("id a", "id"), ("id a<MAX>", "[id]"),
            ("id *a", "id?"), ("e a", "e"), ("s a<9>", "[s]"), ("maybe_s a", "s?"),
        ])
    func types(_ declaration: String, _ type: String) throws {
        let coding = try schema(names).coding(of: Parser.declaration(declaration))
        #expect(coding.type == type)
    }

    @Test("limits are written by their names")
    func calls() throws {
        let schema = try schema(names)
        let names = try schema.coding(of: Parser.declaration("name a<7>"))
        #expect(names.decode == "try decoder.decodeStringArray(limit: 7, elementLimit: MAX)")
        #expect(
            names.encode("x") == "try encoder.encodeStringArray(x, limit: 7, elementLimit: MAX)")
        let structures = try schema.coding(of: Parser.declaration("s a<MAX>"))
        #expect(structures.decode == "try decoder.decodeArray(of: s.self, limit: MAX)")
        let buffer = try schema.coding(of: Parser.declaration("opaque a[VIR_UUID_BUFLEN]"))
        #expect(buffer.type == "XDRFixedOpaque<16>")
    }

    @Test("the fewest bytes of a type are the sum of its parts'")
    func sizes() throws {
        let schema = try schema(names + "union u switch (int t) { case 1: hyper h; case 2: s s; };")
        #expect(try schema.minimumByteCount(ofTypeNamed: "s") == 16 + 4 + 8)
        #expect(try schema.minimumByteCount(ofTypeNamed: "maybe_s") == 4)
        #expect(try schema.minimumByteCount(ofTypeNamed: "u") == 12)
        #expect(try schema.minimumByteCount(of: Parser.declaration("opaque a[5]")) == 8)
        #expect(try schema.minimumByteCount(of: Parser.declaration("s a[2]")) == 56)
    }

    @Test(
        "what cannot be is told",
        arguments: [
            ("unknown a", "the type unknown is not defined"),
            ("int a[UNKNOWN]", "the constant UNKNOWN is not defined"),
            ("short a[3]", "short a[3]: only single values of this type are supported"),
            ("maybe a<3>", "maybe a<3>: maybe is an array or optional itself"),
            ("name a[3]", "name a[3]: a fixed number of strings is not supported"),
            ("char *a", "char *a: an optional char is not supported"),
        ])
    func errors(_ declaration: String, _ message: String) throws {
        let schema = try schema(names)
        let error = #expect(throws: LanguageError.self) {
            try schema.coding(of: Parser.declaration(declaration))
        }
        #expect(error?.message == message)
    }

    @Test("a type in itself, a constant by itself, and a name twice are refused")
    func cycles() throws {
        let recursive = try schema("struct a { b x; }; struct b { a y; };")
        #expect(throws: LanguageError.self) {
            try recursive.minimumByteCount(ofTypeNamed: "a")
        }
        let circular = try schema("const A = B; const B = A;")
        #expect(throws: LanguageError.self) { try circular.value(.constant("A")) }
        let twice = #expect(throws: LanguageError.self) { try schema("const A = 1;\nconst A = 2;") }
        #expect(twice?.description == "a.x:2: A is defined twice")
    }

    @Test("names become Swift's")
    func swiftNames() {
        #expect(SwiftNames.escaped("default") == "`default`")
        #expect(SwiftNames.escaped("name") == "name")
        #expect(SwiftNames.lowerCamelCase("GUEST_AGENT") == "guestAgent")
        #expect(SwiftNames.upperCamelCase("domain-snapshot") == "DomainSnapshot")
        #expect(MemberNames.commonPrefix(["VIR_A_ONE", "VIR_A_TWO"]) == "VIR_A_")
        #expect(MemberNames.commonPrefix(["VIR_A", "VIR_A_TWO"]) == "VIR_")
        #expect(
            MemberNames.prefix(of: "VIR_DOMAIN_DEFINE_VALIDATE", in: "virDomainDefineFlags")
                == "VIR_DOMAIN_DEFINE_")
    }
}
