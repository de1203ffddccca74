// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <unordered_set>
#include <utility>

#include "config/reading/yaml/json_escapes.h"
#include "config/reading/yaml/yaml_fault.h"
#include "config/reading/yaml/yaml_reader.h"

namespace mete::config {
namespace {

std::size_t count_nodes(const YamlNode& node) {
  std::size_t count = 1;
  for (const auto& item : node.items) count += count_nodes(item);
  for (const auto& entry : node.entries) count += count_nodes(entry.value) + 1;
  return count;
}

int height(const YamlNode& node) {
  int below = 0;
  for (const auto& item : node.items) below = std::max(below, height(item));
  for (const auto& entry : node.entries) below = std::max(below, height(entry.value));
  return node.kind == YamlNode::Kind::kList || node.kind == YamlNode::Kind::kMap ? below + 1 : 0;
}

// Builds the tree from the parser's events. A bound stops the parser by a ParseError thrown from an event, before the
// parser recurses or allocates further; parse_document catches it.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(int first_line) : first_line_(first_line) {}

  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    attach(make(mark, YamlNode::Kind::kNull), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = make(mark, YamlNode::Kind::kScalar);
    node.plain = tag.empty() || tag == "?";  // the parser's tag of a quoted scalar is "!"
    node.text = value;
    attach(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(make(mark, YamlNode::Kind::kList), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(make(mark, YamlNode::Kind::kMap), anchor);
  }
  void OnMapEnd() override {
    merge(open_.back().node);
    close();
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) {
      throw ParseError{line(mark), mark.column + 1, "an alias stands inside what it refers to"};
    }
    const auto& [source, nodes, levels] = target->second;
    if (static_cast<int>(open_.size()) + levels > kMaxNesting) stop_nesting(line(mark), mark.column + 1);
    add_nodes(line(mark), mark.column + 1, nodes);
    attach(YamlNode(source), YAML::NullAnchor);
  }

 private:
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<YamlNode> key;  // key of a mapping whose value is not yet read
  };
  struct Anchored {
    YamlNode node;
    std::size_t nodes = 0;
    int levels = 0;
  };

  [[noreturn]] static void stop_nesting(int line, int column) {
    throw ParseError{line, column, "nested too deeply, at most " + std::to_string(kMaxNesting) + " levels are read"};
  }

  void add_nodes(int line, int column, std::size_t count) {
    nodes_ += count;
    if (nodes_ <= kMaxNodes) return;
    throw ParseError{line, column,
                     "too large: more than " + std::to_string(kMaxNodes) + " values in one document, aliases expanded"};
  }

  [[nodiscard]] int line(const YAML::Mark& mark) const { return first_line_ + mark.line; }

  YamlNode make(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode node;
    node.kind = kind;
    node.line = line(mark);
    node.column = mark.column + 1;
    add_nodes(node.line, node.column, 1);
    return node;
  }

  void open(YamlNode node, YAML::anchor_t anchor) {
    if (open_.size() >= static_cast<std::size_t>(kMaxNesting)) {
      stop_nesting(node.line, node.column);
    }
    open_.push_back({std::move(node), anchor, std::nullopt});
  }

  void close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    attach(std::move(frame.node), frame.anchor);
  }

  void attach(YamlNode node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      // The stored copy counts, too: otherwise anchors within anchors could multiply the memory.
      const std::size_t count = count_nodes(node);
      add_nodes(node.line, node.column, count);
      anchors_[anchor] = {node, count, height(node)};
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      if (node.kind == YamlNode::Kind::kList || node.kind == YamlNode::Kind::kMap) {
        throw ParseError{node.line, node.column, "a field's name must be text, found a list or mapping"};
      }
      parent.key = std::move(node);
    } else {
      parent.node.entries.push_back({parent.key->text, parent.key->line, parent.key->column, std::move(node)});
      if (parent.key->plain && parent.key->text == "<<") parent.node.plain = true;  // there is something to merge
      parent.key.reset();
    }
  }

  // `<<: *base` adds the keys that the mapping does not have itself.
  static void merge(YamlNode& map) {
    if (!std::exchange(map.plain, false)) return;
    std::vector<NodeEntry> written;
    std::vector<YamlNode> sources;
    for (auto& entry : map.entries) {
      if (entry.key != "<<") {
        written.push_back(std::move(entry));
      } else if (entry.value.kind == YamlNode::Kind::kList) {
        std::move(entry.value.items.begin(), entry.value.items.end(), std::back_inserter(sources));
      } else {
        sources.push_back(std::move(entry.value));
      }
    }
    map.entries = std::move(written);
    std::unordered_set<std::string> keys;
    for (const auto& entry : map.entries) keys.insert(entry.key);
    for (auto& source : sources) {
      if (source.kind != YamlNode::Kind::kMap) {
        throw ParseError{source.line, source.column, "`<<` merges mappings, found something else"};
      }
      for (auto& entry : source.entries) {
        if (keys.insert(entry.key).second) map.entries.push_back(std::move(entry));
      }
    }
  }

  int first_line_;
  std::size_t nodes_ = 0;
  std::vector<Frame> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  YamlNode root_;
};

ParseError explain(const YAML::Exception& error, std::string_view text, int first_line) {
  const YamlFault fault = explain_fault(text, std::max(error.mark.line, 0), std::max(error.mark.column, 0), error.msg);
  return {first_line + fault.line, fault.column + 1, fault.message};
}

}  // namespace

const YamlNode* find(const YamlNode& node, std::string_view key) {
  const auto entry =
      std::find_if(node.entries.begin(), node.entries.end(), [&](const auto& e) { return e.key == key; });
  return entry == node.entries.end() ? nullptr : &entry->value;
}

tl::expected<YamlNode, ParseError> parse_document(std::string_view text, int first_line) {
  try {
    // The parser treats a quote that is still open at the end of the text as closed, so a half-written file would pass.
    // It does not let a quoted text continue beyond a document's end mark.
    std::string ended = join_surrogates(text);
    if (!ended.empty() && ended.back() != '\n') ended += '\n';
    std::istringstream stream(ended + "...\n");
    YAML::Parser parser(stream);
    Builder builder(first_line);
    if (!parser.HandleNextDocument(builder)) return YamlNode{};
    Builder rest(first_line);
    if (parser.HandleNextDocument(rest)) {
      const YamlNode extra = rest.take();
      return tl::unexpected(ParseError{extra.line, extra.column, "not valid YAML: text after the end of the document"});
    }
    return builder.take();
  } catch (const ParseError& error) {
    return tl::unexpected(error);
  } catch (const YAML::Exception& error) {
    return tl::unexpected(explain(error, text, first_line));
  } catch (const std::exception& error) {
    return tl::unexpected(ParseError{first_line, 1, std::string("not valid YAML: ") + error.what()});
  }
}

}  // namespace mete::config
