#include "stream/line_words.h"

#include <cctype>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;

// The line with '<' '>' about its variables and '|' between words.
std::string Split(std::string_view line, std::string_view host = "") {
  LineShape shape;
  LineWords words;
  ScanLine(line, 1, &shape);
  SplitLine(line, shape, host, &words);
  std::string text;
  for (uint32_t i = 0; i < words.count; ++i) {
    const std::string word(words.words[i].span.In(line));
    text += (i == 0 ? "" : "|") + (words.words[i].variable ? "<" + word + ">" : word);
  }
  return text + (words.cut ? "|..." : "");
}

uint64_t ShapeOf(std::string_view line, uint64_t seed = 1) {
  LineShape shape;
  ScanLine(line, seed, &shape);
  return shape.hash;
}

TEST(LineWords, WhatObviouslyDiffersFromLineToLineIsAVariable) {
  const struct {
    std::string_view line;
    std::string_view words;
  } cases[] = {
      {"", ""},
      {" ,;: ", ""},
      {"one word", "one|word"},
      {"nvme nvme0: I/O 12 QID 3 timeout, aborting",
       "nvme|<nvme0>|I/O|<12>|QID|<3>|timeout|aborting"},
      {"EXT4-fs error (device sda1): ext4_lookup:1855: inode #2",
       "EXT4-fs|error|device|<sda1>|ext4_lookup|<1855>|inode|<#2>"},
      {"mlx5_core 0000:3b:00.0: x", "mlx5_core|<0000:3b:00.0>|x"},
      {"at 02:03:04,567 and 2026-03-01T02:03:04.5Z",
       "at|<02:03:04,567>|and|<2026-03-01T02:03:04.5Z>"},
      {"from 10.0.0.1:80 to fe80::1 by aa:bb:cc:dd:ee:01",
       "from|<10.0.0.1:80>|to|<fe80::1>|by|<aa:bb:cc:dd:ee:01>"},
      {"aa:1b:cc:dd:ee:ff it is", "<aa:1b:cc:dd:ee:ff>|it|is"},
      {"cpus 1,2,3, 4", "cpus|<1,2,3>|<4>"},
      {"id=3f2504e0-4f89-11d3-9a0c-0305e82c3301 rest",
       "id|<3f2504e0-4f89-11d3-9a0c-0305e82c3301>|rest"},
      {"/etc/passwd and /var/lib/docker/overlay2/3f/merged",
       "/etc/passwd|and|</var/lib/docker/overlay2/3f/merged>"},
      {"task nginx:314 blocked", "task|nginx|<314>|blocked"},
      {"docker.io/library/web:1", "docker.io/library/web|<1>"},
      {"http://10.0.0.1/x", "http|<//10.0.0.1/x>"},
      {"open 'web' failed: \"why\"", "open|<web>|failed|why"},
      {"{\"level\":\"error\",\"n\":1}", "level|error|n|<1>"},
      {"deadbeef cafe defaced", "<deadbeef>|cafe|defaced"},
      {"Mar  1 02:03:04 web sshd[12]: x", "<Mar>|<1>|<02:03:04>|web|sshd|<12>|x"},
      {"Sun Mar  1 it is", "<Sun>|<Mar>|<1>|it|is"},
      {"May it be so", "May|it|be|so"},
      {"k8s-node up, x86_64, v1.2", "k8s-node|up|<x86_64>|<v1.2>"},
      {"line with its end \r\n", "line|with|its|end"},
  };
  for (const auto& [line, words] : cases) EXPECT_EQ(Split(line), words) << line;
  EXPECT_EQ(Split("Mar 1 web.example said web is up", "web.example"),
            "<Mar>|<1>|<web.example>|said|<web>|is|up");
  EXPECT_EQ(Split("it is " + std::string(65, 'x')), "it|is|<" + std::string(65, 'x') + ">");
}

TEST(LineWords, LinesThatDifferInVariablesAloneHaveOneShape) {
  EXPECT_EQ(ShapeOf("nvme nvme0: I/O 12 QID 3"), ShapeOf("nvme nvme11n1: I/O 99999 QID 31 "));
  EXPECT_NE(ShapeOf("a 1 b"), ShapeOf("a 1  b"));
  EXPECT_NE(ShapeOf("a 1 b"), ShapeOf("a 1 c"));
  EXPECT_NE(ShapeOf("a 1 b"), ShapeOf("a 1 b 1"));
  EXPECT_NE(ShapeOf("a 1"), ShapeOf("a"));
  EXPECT_NE(ShapeOf("ab"), ShapeOf(std::string("ab\0", 3)));
  EXPECT_NE(ShapeOf("a 1 b", 1), ShapeOf("a 1 b", 2));
  // What was once so stays so: identities and snapshots are made of it.
  EXPECT_EQ(WordHash("timeout"), WordHash("timeout"));
  EXPECT_EQ(HashBytes("", 0), HashBytes("", 0));
}

TEST(LineWords, EveryByteOfTheLineIsInItsShapeOrInAVariable) {
  const std::string line =
      "a line of some length that has 1 number, a (second) one 22 and goes on for a while to end";
  const uint64_t shape = ShapeOf(line);
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '1' || line[i] == '2') continue;
    std::string other = line;
    other[i] = other[i] == '~' ? '!' : '~';
    EXPECT_NE(ShapeOf(other), shape) << i;
  }
}

TEST(LineWords, LongLinesAreCutAtAWord) {
  std::string line;
  while (line.size() < 3000) line += "word of it 12 ";
  LineShape shape;
  ScanLine(line, 1, &shape);
  EXPECT_TRUE(shape.cut);
  EXPECT_LE(shape.bytes, LineShape::kBytesMax);
  EXPECT_EQ(line[shape.bytes - 1], ' ');
  EXPECT_EQ(ShapeOf(line), ShapeOf(line + "and more"));
  LineWords words;
  SplitLine(line, shape, "", &words);
  EXPECT_TRUE(words.cut);
  EXPECT_EQ(words.count, LineWords::kWordsMax);
  std::string numbers;
  for (int i = 0; i < 100; ++i) numbers += std::to_string(i) + " ";
  ScanLine(numbers, 1, &shape);
  EXPECT_EQ(shape.variable_count, LineShape::kVariablesMax);
  EXPECT_TRUE(shape.cut);
  EXPECT_EQ(Split(std::string(5000, 'x')), "<" + std::string(LineShape::kBytesMax, 'x') + ">|...");
}

// Words by the plain definition, without looking at several bytes at once.
TEST(LineWords, FindsTheVariablesOfAnyBytes) {
  Random random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string line(random.Below(90), ' ');
    static constexpr std::string_view kBytes = "ab:, 12(\xff\t=x-_.";
    for (char& c : line) c = kBytes[random.Below(kBytes.size())];
    LineShape shape;
    ScanLine(line, 1, &shape);
    size_t last = 0;
    std::string rest = line.substr(0, shape.bytes);
    for (uint32_t i = 0; i < shape.variable_count; ++i) {
      const auto [begin, end] = shape.variables[i];
      ASSERT_LE(last, begin) << line;
      ASSERT_LT(begin, end) << line;
      ASSERT_TRUE(begin == 0 || IsWordDelimiter(line[begin - 1])) << line;
      ASSERT_TRUE(end == shape.bytes || IsWordDelimiter(line[end])) << line;
      ASSERT_NE(shape.variables[i].In(line).find_first_of("0123456789"), std::string::npos) << line;
      std::fill(rest.begin() + begin, rest.begin() + end, ' ');
      last = end;
    }
    // What is left over with a digit is a name.
    const size_t digit = rest.find_first_of("0123456789");
    if (digit == std::string::npos) continue;
    size_t begin = digit;
    while (begin > 0 && !IsWordDelimiter(rest[begin - 1])) --begin;
    ASSERT_TRUE(std::isalpha(static_cast<unsigned char>(rest[begin])) != 0) << line;
  }
}

TEST(LineWords, WordsThatDifferInLengthAndAByteHaveHashesOfTheirOwn) {
  std::map<uint64_t, std::string> words;
  for (size_t bytes = 1; bytes <= 14; ++bytes) {
    for (uint32_t bits = 0; bits < 1U << bytes; ++bits) {
      std::string word;
      for (size_t i = 0; i < bytes; ++i) word += (bits >> i & 1) != 0 ? 'y' : 'x';
      const auto [known, fresh] = words.emplace(WordHash(word), word);
      ASSERT_TRUE(fresh) << word << " and " << known->second;
    }
  }
}

TEST(LineWords, TheStructureIsWhatStandsBetweenWords) {
  const auto structure = [](std::string_view line) {
    LineShape shape;
    LineWords words;
    ScanLine(line, 1, &shape);
    SplitLine(line, shape, "", &words);
    EXPECT_EQ(StructureOf(line.substr(0, words.bytes), words), words.structure);
    return words.structure;
  };
  EXPECT_EQ(structure("a (b) c: 1"), structure("some  (other)\twords: here"));
  EXPECT_NE(structure("a (b) c"), structure("a b c"));
  EXPECT_NE(structure("a b"), structure("a b c"));
  EXPECT_NE(structure("a b"), structure("a b,"));
  EXPECT_NE(structure("a b"), structure(",a b"));
  EXPECT_NE(structure("="), structure(""));
}

}  // namespace
}  // namespace fleetmedic
