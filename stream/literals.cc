#include "stream/literals.h"

#include <algorithm>
#include <bitset>
#include <limits>
#include <utility>

#include "stream/pattern_syntax.h"

namespace fleetmedic {
namespace {

// What a part of a pattern may be is listed as long as it is this little.
constexpr size_t kStringsMax = 32;
constexpr size_t kStringBytesMax = 256;
// A class of more characters says too little.
constexpr size_t kClassMembersMax = 4;
// Parts of one kEach; more would only be more to choose from.
constexpr size_t kPartsMax = 32;
// Copies of x{n} that are written out.
constexpr int kCopiesMax = 8;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// What a part of a pattern matches. Not exact: any text, as far as this reader knows.
struct Part {
  bool exact = false;
  std::vector<Literal> strings;       // exact: one of these and nothing else
  std::vector<Requirement> required;  // of a line that has this part
  // The bytes that it starts with; null where that may be any, or none.
  std::optional<std::bitset<256>> first;
  bool at_begin = false;  // it matches at the line's begin alone
};

Part Any() { return {}; }
Part Exactly(std::vector<Literal> strings) {
  Part part;
  part.exact = true;
  part.strings = std::move(strings);
  return part;
}
Part Nothing() { return Exactly({Literal{}}); }

Literal Joined(const Literal& left, const Literal& right) {
  Literal joined = {left.text + right.text, left.ignore_case || right.ignore_case};
  if (joined.ignore_case) std::ranges::transform(joined.text, joined.text.begin(), Lower);
  return joined;
}

void Add(Requirement requirement, std::vector<Requirement>* to) {
  if (to->size() < kPartsMax && std::ranges::find(*to, requirement) == to->end()) {
    to->push_back(std::move(requirement));
  }
}

void AddOneOf(const std::vector<Literal>& strings, std::vector<Requirement>* to) {
  Requirement one_of{Requirement::Kind::kOneOf, {}, {}};
  for (const Literal& string : strings) {
    if (string.text.size() < kLiteralBytesMin) return;
    one_of.parts.push_back({Requirement::Kind::kLiteral, string, {}});
  }
  if (one_of.parts.empty()) return;
  Add(one_of.parts.size() == 1 ? std::move(one_of.parts.front()) : std::move(one_of), to);
}

Requirement EachOf(std::vector<Requirement> parts) {
  if (parts.empty()) return {};
  if (parts.size() == 1) return std::move(parts.front());
  return {Requirement::Kind::kEach, {}, std::move(parts)};
}

Requirement RequirementOf(Part part) {
  if (part.exact) AddOneOf(part.strings, &part.required);
  return EachOf(std::move(part.required));
}

// Parts one behind the other, joined to strings as long as they are few.
class Sequence {
 public:
  void Append(const Part& part) {
    for (const Requirement& requirement : part.required) Add(requirement, &required_);
    if (!part.exact) return Break();
    if (part.strings.size() > 1) {
      // The plain text around a choice is a literal of its own, and so is the choice.
      TellPlain();
      AddOneOf(part.strings, &required_);
    } else {
      plain_ = Joined(plain_, part.strings.front());
    }
    std::vector<Literal> joined;
    if (run_.size() * part.strings.size() <= kStringsMax) joined = Product(part.strings);
    if (!joined.empty()) {
      run_ = std::move(joined);
      return;
    }
    AddOneOf(run_, &required_);
    TellPlain();
    whole_ = false;
    run_ = part.strings;
    if (run_.size() == 1) plain_ = run_.front();
  }

  Part Take() {
    TellPlain();
    Part part = whole_ ? Exactly(std::move(run_)) : Any();
    if (!whole_) AddOneOf(run_, &required_);
    part.required = std::move(required_);
    return part;
  }

 private:
  void Break() {
    AddOneOf(run_, &required_);
    TellPlain();
    run_ = {Literal{}};
    whole_ = false;
  }
  void TellPlain() {
    AddOneOf({plain_}, &required_);
    plain_ = {};
  }
  // Empty where one would be too long.
  std::vector<Literal> Product(const std::vector<Literal>& with) const {
    std::vector<Literal> product;
    for (const Literal& left : run_) {
      for (const Literal& right : with) {
        product.push_back(Joined(left, right));
        if (product.back().text.size() > kStringBytesMax) return {};
      }
    }
    std::ranges::sort(product);
    const auto again = std::ranges::unique(product);
    product.erase(again.begin(), again.end());
    return product;
  }

  std::vector<Literal> run_ = {Literal{}};
  Literal plain_;
  std::vector<Requirement> required_;
  bool whole_ = true;
};

class LiteralReader {
 public:
  LiteralReader(std::string_view text, bool ignore_case) : text_(text), ignore_case_(ignore_case) {}

  // A pattern that RE2 read to its end and we did not is one that we do not know: any text.
  Part Read() {
    Part part = Choice();
    return at_ != text_.size() || lost_ ? Any() : part;
  }

 private:
  bool Ended() const { return at_ >= text_.size() || lost_; }
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool Skip(std::string_view expected) {
    if (at_ > text_.size() || !text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  Part Lost() {
    lost_ = true;
    return Any();
  }

  Part Choice() {
    std::vector<Part> branches = {Chain()};
    while (!Ended() && Skip("|")) branches.push_back(Chain());
    if (branches.size() == 1) return std::move(branches.front());
    Part choice = Exactly({});
    choice.first.emplace();
    choice.at_begin = true;
    Requirement one_of{Requirement::Kind::kOneOf, {}, {}};
    for (Part& branch : branches) {
      choice.at_begin = choice.at_begin && branch.at_begin;
      if (choice.first && branch.first) *choice.first |= *branch.first;
      if (!branch.first) choice.first.reset();
      choice.exact = choice.exact && branch.exact;
      choice.strings.insert(choice.strings.end(), branch.strings.begin(), branch.strings.end());
      one_of.parts.push_back(RequirementOf(std::move(branch)));
    }
    choice.exact = choice.exact && choice.strings.size() <= kStringsMax;
    if (!choice.exact) choice.strings.clear();
    const bool each_has_one = std::ranges::none_of(one_of.parts, [](const Requirement& part) {
      return part.kind == Requirement::Kind::kNothing;
    });
    if (each_has_one) choice.required.push_back(std::move(one_of));
    return choice;
  }

  Part Chain() {
    Sequence sequence;
    std::optional<std::bitset<256>> first;
    bool at_begin = false;
    bool began = false;  // something that takes characters was there
    while (!Ended() && Peek() != '|' && Peek() != ')') {
      const Part atom = Atom();
      const bool taken = Repeated(atom, &sequence);
      if (began) continue;
      at_begin = at_begin || (taken && atom.at_begin);
      const bool takes_none =
          atom.exact && atom.strings.size() == 1 && atom.strings[0].text.empty();
      if (taken && takes_none) continue;
      began = true;
      if (taken) first = atom.first;
    }
    Part chain = sequence.Take();
    chain.first = first;
    chain.at_begin = at_begin;
    return chain;
  }

  // False where it may not be there at all.
  bool Repeated(Part part, Sequence* sequence) {
    if (lost_) return false;
    std::string_view rest = text_.substr(at_);
    const std::optional<Repetition> repetition = TakeRepetition(&rest);
    // Two in a row are for RE2 to refuse.
    if (repetition && TakeRepetition(&rest)) lost_ = true;
    const Repetition times = repetition.value_or(Repetition());
    at_ = text_.size() - rest.size();
    if (lost_ || times.most == 0) return false;
    if (times.least == 0) {
      if (times.most != 1 || !part.exact || part.strings.size() == kStringsMax) {
        sequence->Append(Any());
        return false;
      }
      part.required.clear();
      part.strings.push_back({});
      sequence->Append(part);
      return false;
    }
    if (times.least == times.most && (part.exact || times.least == 1) &&
        times.least <= kCopiesMax) {
      for (int i = 0; i < times.least; ++i) sequence->Append(part);
      return true;
    }
    // The first touches what stands before it, the last what stands behind.
    sequence->Append(part);
    sequence->Append(Any());
    if (part.exact) sequence->Append(part);
    return true;
  }

  Part Atom() {
    const char c = Peek();
    switch (c) {
      case '(':
        return Group();
      case '[':
        return Class();
      case '\\':
        return Escape();
      case '.':
        ++at_;
        return Any();
      case '^':
      case '$':
        ++at_;
        return Edge(c == '^');
      default:
        ++at_;
        return One(c);
    }
  }

  static Part Edge(bool at_begin) {
    Part part = Nothing();
    part.at_begin = at_begin;
    return part;
  }

  Part One(char c) const {
    if (c == '\n' || c == '\r' || static_cast<unsigned char>(c) > 0x7f) return Any();
    const bool folded = ignore_case_ && IsLetter(c);
    Part part = Exactly({{std::string(1, folded ? Lower(c) : c), folded}});
    part.first.emplace().set(static_cast<unsigned char>(c));
    if (folded) part.first->set(static_cast<unsigned char>(c ^ 0x20));
    return part;
  }

  Part Group() {
    ++at_;
    const bool outside = ignore_case_;
    if (Skip("?P<")) {
      while (!Ended() && Peek() != '>') ++at_;
      if (!Skip(">")) return Lost();
    } else if (Skip("?")) {
      bool on = true;
      for (; !Ended() && Peek() != ':' && Peek() != ')'; ++at_) {
        if (Peek() == '-') on = false;
        if (Peek() == 'i') ignore_case_ = on;
      }
      // "(?i)" holds to the end of the group around it.
      if (Skip(")")) return Nothing();
      if (!Skip(":")) return Lost();
    }
    if (++depth_ > kDepthMax) return Lost();
    Part part = Choice();
    --depth_;
    ignore_case_ = outside;
    if (!Skip(")")) return Lost();
    return part;
  }

  // Null for what stands for several.
  std::optional<char> EscapedCharacter() {
    std::string_view rest = text_.substr(at_);
    lost_ = lost_ || rest.size() < 2;
    const bool is_hex = Peek(1) == 'x';
    const std::optional<char> one = TakeEscape(&rest);
    lost_ = lost_ || (is_hex && !one);
    at_ = text_.size() - rest.size();
    return one;
  }

  Part Escape() {
    const char c = Peek(1);
    if (c == 'A' || c == 'z' || c == 'b' || c == 'B') {
      at_ += 2;
      return Edge(c == 'A');
    }
    const std::optional<char> one = EscapedCharacter();
    return one ? One(*one) : Any();
  }

  // Null for what is not one character.
  std::optional<char> Member() {
    if (Ended()) lost_ = true;
    if (lost_) return std::nullopt;
    if (Peek() == '\\') return EscapedCharacter();
    return text_[at_++];
  }

  Part Class() {
    ++at_;
    bool many = Skip("^");
    std::bitset<256> members;
    for (bool first = true; first || Peek() != ']'; first = false) {
      if (Ended()) return Lost();
      if (Skip("[:")) {
        const size_t end = text_.find(":]", at_);
        if (end == std::string_view::npos) return Lost();
        at_ = end + 2;
        many = true;
        continue;
      }
      const std::optional<char> low = Member();
      std::optional<char> high = low;
      if (Peek() == '-' && Peek(1) != ']') {
        ++at_;
        high = Member();
      }
      if (!low || !high) {
        many = true;
        continue;
      }
      for (int i = static_cast<unsigned char>(*low); i <= static_cast<unsigned char>(*high); ++i) {
        members.set(static_cast<size_t>(i));
      }
    }
    ++at_;
    if (many) return Any();
    return OneOfClass(members);
  }

  Part OneOfClass(const std::bitset<256>& members) const {
    if (members.count() > 2 * kClassMembersMax) return Any();
    Part part = Exactly({});
    part.first.emplace();
    for (size_t i = 0; i < members.size(); ++i) {
      if (!members.test(i)) continue;
      Part one = One(static_cast<char>(i));
      if (!one.exact) return Any();
      *part.first |= *one.first;
      if (std::ranges::find(part.strings, one.strings.front()) != part.strings.end()) continue;
      part.strings.push_back(std::move(one.strings.front()));
    }
    if (part.strings.empty() || part.strings.size() > kClassMembersMax) return Any();
    return part;
  }

  static constexpr int kDepthMax = 200;

  std::string_view text_;
  bool ignore_case_;
  size_t at_ = 0;
  int depth_ = 0;
  bool lost_ = false;
};

}  // namespace

Requirement RequiredLiterals(std::string_view pattern, bool ignore_case) {
  return RequirementOf(LiteralReader(pattern, ignore_case).Read());
}

std::optional<std::bitset<256>> LineBegins(std::string_view pattern, bool ignore_case) {
  const Part part = LiteralReader(pattern, ignore_case).Read();
  return part.at_begin ? part.first : std::nullopt;
}

std::string ToText(const Requirement& requirement) {
  switch (requirement.kind) {
    case Requirement::Kind::kNothing:
      return "-";
    case Requirement::Kind::kLiteral:
      return "'" + requirement.literal.text + (requirement.literal.ignore_case ? "'i" : "'");
    case Requirement::Kind::kEach:
    case Requirement::Kind::kOneOf:
      break;
  }
  std::string text = "(";
  for (const Requirement& part : requirement.parts) {
    if (text.size() > 1) text += requirement.kind == Requirement::Kind::kEach ? " & " : " | ";
    text += ToText(part);
  }
  return text + ")";
}

std::optional<LiteralPick> Cheapest(const Requirement& requirement,
                                    absl::FunctionRef<double(const Literal&)> cost) {
  std::optional<LiteralPick> pick;
  switch (requirement.kind) {
    case Requirement::Kind::kNothing:
      return std::nullopt;
    case Requirement::Kind::kLiteral: {
      const double one = cost(requirement.literal);
      if (one == std::numeric_limits<double>::infinity()) return std::nullopt;
      return LiteralPick{{requirement.literal}, one};
    }
    case Requirement::Kind::kEach:
      for (const Requirement& part : requirement.parts) {
        std::optional<LiteralPick> other = Cheapest(part, cost);
        if (other && (!pick || other->cost < pick->cost)) pick = std::move(other);
      }
      return pick;
    case Requirement::Kind::kOneOf:
      pick.emplace();
      for (const Requirement& part : requirement.parts) {
        std::optional<LiteralPick> other = Cheapest(part, cost);
        if (!other) return std::nullopt;
        pick->cost += other->cost;
        pick->literals.insert(pick->literals.end(), other->literals.begin(), other->literals.end());
      }
      break;
  }
  std::ranges::sort(pick->literals);
  const auto again = std::ranges::unique(pick->literals);
  pick->literals.erase(again.begin(), again.end());
  if (pick->literals.size() > kLiteralsOfPatternMax) return std::nullopt;
  return pick;
}

}  // namespace fleetmedic
